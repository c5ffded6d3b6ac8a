import { LITTLE_ENDIAN, Slab } from '../../../core/slab.ts';
import { encodeMessage } from '../../../transport/wire/datagram.ts';

/** What a datagram of cn_proc is made of; `data` are the words after the time. */
export interface ReportParts {
  readonly what: number;
  readonly cpu: number;
  readonly seq: number;
  readonly timeMs: number;
  readonly ack?: number;
  readonly data?: readonly number[];
  readonly name?: string;
}

/** Makes a datagram as the kernel would. */
export function report(parts: ReportParts): Slab {
  const { what, cpu, seq, timeMs, ack = 0, data = [], name } = parts;
  const event = new Slab(40);
  event.view.setUint32(0, what, LITTLE_ENDIAN);
  event.view.setUint32(4, cpu, LITTLE_ENDIAN);
  const nanoseconds = Math.round(timeMs * 1e6);
  const [low, high] = [nanoseconds % 2 ** 32, Math.floor(nanoseconds / 2 ** 32)];
  event.view.setUint32(LITTLE_ENDIAN ? 8 : 12, low, LITTLE_ENDIAN);
  event.view.setUint32(LITTLE_ENDIAN ? 12 : 8, high, LITTLE_ENDIAN);
  data.forEach((word, index) => event.view.setUint32(16 + 4 * index, word, LITTLE_ENDIAN));
  if (name !== undefined) event.bytes.set(new TextEncoder().encode(name), 24);
  const header = { id: { idx: 1, val: 1 }, seq, ack, flags: 0 };
  return new Slab(encodeMessage(header, event.bytes));
}
