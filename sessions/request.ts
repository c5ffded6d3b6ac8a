import type { Copies } from '../core/copies.ts';
import { LITTLE_ENDIAN, type Slab } from '../core/slab.ts';
import { Incoming, type IncomingHooks } from './incoming.ts';
import { MethodNames } from './method-names.ts';
import { CN_MSG_HEADER, cnMsgAck, cnMsgSeq } from '../transport/wire/cnmsg.ts';
import * as frame from '../transport/wire/frame.ts';

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
  const budget = view.getUint32(bodyAt + frame.REQUEST_BUDGET, LITTLE_ENDIAN);
  const methodAt = bodyAt + frame.REQUEST_HEADER;
  const payloadAt = methodAt + view.getUint8(bodyAt + frame.REQUEST_METHOD_LENGTH);
  const parts = {
    seq: cnMsgSeq(slab, at),
    ack: cnMsgAck(slab, at),
    oneWay,
    method: names.decode(bytes, methodAt, payloadAt),
    format: view.getUint8(bodyAt + frame.REQUEST_FORMAT),
    payload: copies.of(bytes, payloadAt, end),
    deadline: budget === frame.BUDGET_NONE ? Infinity : now + budget / 1000,
    channel: view.getUint16(bodyAt + frame.REQUEST_CHANNEL, LITTLE_ENDIAN),
  };
  return new Incoming(parts, hooks);
}

const names = new MethodNames();
