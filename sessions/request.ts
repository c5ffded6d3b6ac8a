import type { Copies } from '../core/copies.ts';
import { LITTLE_ENDIAN, type Slab } from '../core/slab.ts';
import { Incoming, type IncomingHooks } from './incoming.ts';
import { MethodNames } from './method-names.ts';
import { CN_MSG_HEADER, cnMsgAck, cnMsgSeq } from '../transport/wire/cnmsg.ts';
import * as frame from '../transport/wire/frame.ts';

/** Here: V8 loads an imported constant, and tests it, at each use. */
const NATIVE = LITTLE_ENDIAN;
const {
  REQUEST_BUDGET, REQUEST_HEADER, REQUEST_METHOD_LENGTH, REQUEST_FORMAT, BUDGET_NONE,
  REQUEST_CHANNEL,
} = frame;

/**
 * Reads the REQUEST (or, `oneWay`, SEND) slab[at, end); checked to be whole. What it carries is
 * copied, because the slab is the transport's.
 */
export function readRequest(
  copies: Copies,
  hooks: IncomingHooks,
  oneWay: boolean,
  slab: Slab,
  at: number,
  end: number,
  now: number,
): Incoming {
  const { bytes, view } = slab;
  const bodyAt = at + CN_MSG_HEADER;
  const budget = view.getUint32(bodyAt + REQUEST_BUDGET, NATIVE);
  const methodAt = bodyAt + REQUEST_HEADER;
  const payloadAt = methodAt + view.getUint8(bodyAt + REQUEST_METHOD_LENGTH);
  const parts = {
    seq: cnMsgSeq(slab, at),
    ack: cnMsgAck(slab, at),
    oneWay,
    method: names.decode(bytes, methodAt, payloadAt),
    format: view.getUint8(bodyAt + REQUEST_FORMAT),
    payload: copies.of(bytes, payloadAt, end),
    deadline: budget === BUDGET_NONE ? Infinity : now + budget / 1000,
    channel: view.getUint16(bodyAt + REQUEST_CHANNEL, NATIVE),
  };
  return new Incoming(parts, hooks);
}

const names = new MethodNames();
