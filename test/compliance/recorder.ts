import { Slab } from '../../core/slab.ts';
import type { Credentials, Sink, Source, Transport } from '../../transport/transport.ts';

/** One datagram as it arrived, copied. */
export interface Received {
  readonly bytes: Uint8Array;
  readonly peer: number;
  readonly group: number;
  readonly credentials: Credentials | undefined;
}

/** A sink that keeps all it is told. */
export class Recorder implements Sink {
  readonly datagrams: Received[] = [];
  /** The calls by their first letters: d(atagram), o(verrun), r(eceived), f(ailed). */
  calls = '';
  lost = 0;
  /** Called with each datagram, inside `receive`. */
  onDatagram: (() => void) | undefined;

  /** What arrived, as numbers written by `numbered`. */
  get numbers(): number[] {
    return this.datagrams.map(({ bytes }) => new DataView(bytes.buffer).getUint32(0));
  }

  receive(slab: Slab, start: number, end: number, source: Source): void {
    const { peer, group, credentials } = source;
    const bytes = slab.bytes.slice(start, end);
    this.datagrams.push({ bytes, peer, group, credentials: credentials && { ...credentials } });
    this.calls += 'd';
    this.onDatagram?.();
  }

  overrun(lost: number): void {
    this.lost += lost;
    this.calls += 'o';
  }

  received(): void {
    this.calls += 'r';
  }

  failed(error: Error): void {
    throw error;
  }
}

/** Starts a transport with a recorder. */
export function record(transport: Transport): Recorder {
  const recorder = new Recorder();
  transport.start(recorder);
  return recorder;
}

/** A datagram of `length` bytes that begins with `number` and goes on with a pattern made of it. */
export function numbered(number: number, length = 64): Slab {
  const slab = new Slab(length);
  for (let at = 4; at < length; at++) slab.bytes[at] = (number + at * 7) & 0xff;
  slab.view.setUint32(0, number);
  return slab;
}
