import type { Copies } from '../core/copies.ts';
import { LITTLE_ENDIAN, type Slab } from '../core/slab.ts';
import type { Genes } from '../reliability/match.ts';
import type { IncomingParts } from './incoming.ts';
import { MethodNames } from './method-names.ts';
import * as frame from '../transport/wire/frame.ts';

/**
 * Reads the REQUEST (or, `oneWay`, SEND) whose payload, header included, is slab[at, end); checked
 * to be whole. What it carries is copied, because the slab is the transport's.
 */
export function readRequest(
  copies: Copies,
  genes: Genes,
  oneWay: boolean,
  slab: Slab,
  at: number,
  end: number,
  now: number,
): IncomingParts {
  const { bytes, view } = slab;
  const budget = view.getUint32(at + frame.REQUEST_BUDGET, LITTLE_ENDIAN);
  const methodAt = at + frame.REQUEST_HEADER;
  const payloadAt = methodAt + view.getUint8(at + frame.REQUEST_METHOD_LENGTH);
  return {
    seq: genes.seq,
    ack: genes.ack,
    oneWay,
    method: names.decode(bytes, methodAt, payloadAt),
    format: view.getUint8(at + frame.REQUEST_FORMAT),
    payload: copies.of(bytes, payloadAt, end),
    deadline: budget === frame.BUDGET_NONE ? Infinity : now + budget / 1000,
    channel: view.getUint16(at + frame.REQUEST_CHANNEL, LITTLE_ENDIAN),
  };
}

const names = new MethodNames();
