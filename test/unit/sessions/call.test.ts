import test from 'ava';
import { requestOf } from '../../requests.ts';
import { Arena } from '../../../core/arena.ts';
import { Copies } from '../../../core/copies.ts';
import { ConnectorError } from '../../../core/errors.ts';
import { Call, type Holder, type Manner } from '../../../sessions/call.ts';
import { Draft } from '../../../sessions/draft.ts';
import { encodeCancel } from '../../../sessions/encode.ts';
import { Rejection } from '../../../sessions/rejection.ts';
import { FORMAT_BYTES, REQUEST } from '../../../transport/wire/frame.ts';

const MANNER: Manner = {
  kind: REQUEST, idempotent: true, streams: false, takesStream: false, begun: undefined,
};
const METHOD = new TextEncoder().encode('echo');
const PAYLOAD = new Uint8Array([1, 2, 3]);
const INCARNATION = { high: 1, low: 2 };

/** A call in channel "c" that waits until 5 to be sent and until 9 for its reply. */
function made(errors: unknown[] = []): Call {
  const draft = new Draft(METHOD, 'c', { format: FORMAT_BYTES, bytes: PAYLOAD });
  draft.expires = 9;
  draft.sendBy = 5;
  const taker = (value: unknown): void => {
    if (value instanceof Rejection) errors.push(value.error);
  };
  return new Call({ settled: () => {} }, MANNER, draft, taker);
}

/** Encodes it, as the session does that admits it, and sends it. */
function sent(call: Call): Call {
  const holder: Holder = {
    incarnation: INCARNATION, handleExpired: () => {}, handleAborted: () => {},
  };
  call.holder = holder;
  call.place = { channel: 'c', number: 7, position: 8 };
  call.message = requestOf(new Arena(), { id: { idx: 1, val: 1 }, seq: 40, ack: 2 }, {
    kind: REQUEST, channel: 7, position: 8, method: METHOD, format: FORMAT_BYTES,
    payload: PAYLOAD, call,
  });
  call.message.datagram = 0;
  call.letGo();
  return call;
}

test('a call goes on with all that it said, and is not refused for its turn any more', (t) => {
  for (const call of [made(), sent(made())]) {
    call.settlement = { ok: false, code: 'peer-lost', outcome: 'not-executed', message: '' };
    const { draft, deadline, expires, sendings, length, seq } = call.again();
    t.deepEqual(Buffer.from(draft!.method), Buffer.from(METHOD));
    t.deepEqual(Buffer.from(draft!.bytes), Buffer.from(PAYLOAD));
    t.is(draft!.format, FORMAT_BYTES);
    t.is(draft!.channel, 'c');
    t.deepEqual([deadline, expires, draft!.sendBy], [9, 9, 9]);
    t.is(sendings, call.message === undefined ? 0 : 1);
    t.is(length, 3);
    t.is(seq, -1);
  }
});

test('a call knows the last process in which it may have run, however often it goes on', (t) => {
  const errors: unknown[] = [];
  const first = sent(made(errors));
  first.settlement = { ok: false, code: 'peer-lost', outcome: 'unknown', message: '' };
  const second = first.again();
  second.settlement = { ok: false, code: 'peer-lost', outcome: 'not-sent', message: '' };
  const third = second.again();
  t.true(third.mayHaveRunIn({ high: 1, low: 2 }));
  t.false(third.mayHaveRunIn({ high: 1, low: 3 }));
  t.false(sent(made()).again().mayHaveRunIn(INCARNATION));
  third.reject(new ConnectorError('closed', 'over', { outcome: 'not-sent' }));
  t.is((errors[0] as ConnectorError).outcome, 'unknown');
  t.is((errors[0] as ConnectorError).message, 'closed: over');
});

test('what is known of a call that was taken back is what was known then', (t) => {
  const call = sent(made());
  t.is(call.outcome, 'unknown');
  call.settlement = { ok: false, code: 'cancelled', outcome: 'unknown', message: '' };
  call.message = encodeCancel(new Arena(), { id: { idx: 1, val: 1 }, seq: 40, ack: 2 }, 7, 8);
  t.is(call.outcome, 'unknown');
});

test('what ties a call to its caller follows it', (t) => {
  const call = made();
  const tie = { call, aborted: false, done: () => {} };
  call.tie(tie);
  const again = call.again();
  t.is(tie.call, again);
  tie.aborted = true;
  t.true(again.aborted);
});

test('what a call says is copied once, before its caller may change it', (t) => {
  const bytes = new Uint8Array([1, 2, 3]);
  const draft = new Draft(METHOD, undefined, { format: FORMAT_BYTES, bytes });
  const copies = new Copies();
  draft.own(copies);
  bytes.fill(0);
  const own = draft.bytes;
  t.deepEqual([...own], [1, 2, 3]);
  draft.own(copies);
  t.is(draft.bytes, own);
});
