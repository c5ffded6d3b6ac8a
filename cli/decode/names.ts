import * as frame from '../../transport/wire/frame.ts';

/** The numbers of the session format in words, as docs/PROTOCOL.md names them. */
const kinds: Readonly<Record<number, string>> = {
  [frame.OPEN]: 'OPEN',
  [frame.OPENED]: 'OPENED',
  [frame.REFUSED]: 'REFUSED',
  [frame.RESET]: 'RESET',
  [frame.DATA]: 'DATA',
  [frame.EVENT]: 'EVENT',
  [frame.ASK]: 'ASK',
  [frame.NEWS]: 'NEWS',
  [frame.REQUEST]: 'REQUEST',
  [frame.REPLY]: 'REPLY',
  [frame.CANCEL]: 'CANCEL',
  [frame.CLOSE]: 'CLOSE',
  [frame.PING]: 'PING',
  [frame.SEND]: 'SEND',
  [frame.REQUEST_PIECE]: 'REQUEST_PIECE',
  [frame.REPLY_PIECE]: 'REPLY_PIECE',
  [frame.REQUEST_CREDIT]: 'REQUEST_CREDIT',
  [frame.REPLY_CREDIT]: 'REPLY_CREDIT',
};

const reasons: Readonly<Record<number, string>> = {
  [frame.REASON_BUSY]: 'busy',
  [frame.REASON_DENIED]: 'denied',
  [frame.REASON_NO_SERVICE]: 'no-service',
  [frame.REASON_CLOSED]: 'closed',
  [frame.REASON_UNKNOWN_SESSION]: 'unknown-session',
  [frame.REASON_LOST_SESSION]: 'lost-session',
};

const statuses: Readonly<Record<number, string>> = {
  [frame.STATUS_OK]: 'ok',
  [frame.STATUS_APPLICATION]: 'application',
  [frame.STATUS_UNIMPLEMENTED]: 'unimplemented',
  [frame.STATUS_BUSY]: 'busy',
  [frame.STATUS_EXPIRED]: 'expired',
  [frame.STATUS_CLOSED]: 'closed',
  [frame.STATUS_MALFORMED]: 'malformed',
  [frame.STATUS_EVICTED]: 'evicted',
  [frame.STATUS_ACCEPTED]: 'accepted',
};

const formats: Readonly<Record<number, string>> = {
  [frame.FORMAT_BYTES]: 'bytes',
  [frame.FORMAT_JSON]: 'json',
  [frame.FORMAT_NONE]: 'none',
};

export function kindName(flags: number): string {
  return name(kinds, flags);
}

export function reasonName(reason: number): string {
  return name(reasons, reason);
}

export function statusName(status: number): string {
  return name(statuses, status);
}

/** The format of a payload, and the bits of a request or reply that stand beside it. */
export function formatName(bits: number): string {
  const format = name(formats, bits & frame.FORMAT_MASK);
  const marks = [
    (bits & frame.REQUEST_IN_PIECES) !== 0 ? 'pieces' : '',
    (bits & frame.REQUEST_STREAMS) !== 0 ? 'streams' : '',
    (bits & frame.REQUEST_TAKES_STREAM) !== 0 ? 'takes stream' : '',
  ].filter((mark) => mark !== '');
  return [format, ...marks].join(', ');
}

/** A number without a name is shown as it is: the bytes are a peer's. */
function name(names: Readonly<Record<number, string>>, value: number): string {
  return names[value] ?? `unknown (${value})`;
}
