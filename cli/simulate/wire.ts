import type { Peer } from '../../transport/transport.ts';
import { LITTLE_ENDIAN, type Slab } from '../../core/slab.ts';
import * as frame from '../../transport/wire/frame.ts';

/** Datagrams that the hostile peer can choose from. */
const RECORDED_MAX = 256;
/** And datagrams of events, each with its questions and answers. */
const RECORDED_EVENTS_MAX = 64;
/** One of so many is recorded, so that the record spans more than a moment. */
const RECORDED_ONE_OF = 3;
const AT_SEQ = 24;
const AT_ACK = 28;
const AT_CN_LENGTH = 32;
const AT_CN_FLAGS = 34;
const AT_PAYLOAD = 36;
const SESSION_FLAG = 0x8000;

/** A datagram that was sent. */
export interface Recorded {
  readonly from: Peer;
  /** A peer, or, if `group` is not 0, a multicast group. */
  readonly to: Peer;
  readonly group: number;
  readonly bytes: Uint8Array;
}

/** What all endpoints put on the wire, read by the specification and not by the code under test. */
export class Wire {
  readonly recorded: Recorded[] = [];
  readonly recordedEvents: Recorded[] = [];
  /** By who sends and to whom: the sessions that were asked for. */
  readonly #opens = new Map<string, Set<number>>();
  readonly #onBare: (payload: Uint8Array) => void;
  #events = 0;
  #seen = 0;
  #kept = 0;

  /** `onBare` gets the payload of each bare message that was sent. */
  constructor(onBare: (payload: Uint8Array) => void) {
    this.#onBare = onBare;
  }

  /** Sessions that `from` has asked `to` for. */
  sessions(from: string, to: Peer): number {
    return this.#opens.get(`${from} ${to}`)?.size ?? 0;
  }

  /** A datagram that the transport took, from an incarnation at an address. */
  sent(from: string, address: Peer, to: Peer, slab: Slab, start: number, end: number): void {
    if (end - start < AT_PAYLOAD) return;
    const flags = slab.view.getUint16(start + AT_CN_FLAGS, LITTLE_ENDIAN);
    if (flags === frame.EVENT || flags === frame.ASK) {
      this.told(address, to, 0, slab, start, end);
      return;
    }
    if ((flags & SESSION_FLAG) === 0) {
      const length = slab.view.getUint16(start + AT_CN_LENGTH, LITTLE_ENDIAN);
      this.#onBare(slab.bytes.subarray(start + AT_PAYLOAD, start + AT_PAYLOAD + length));
    }
    if (flags === frame.OPEN) {
      const key = `${from} ${to}`;
      const sources = this.#opens.get(key) ?? new Set();
      const source = slab.view.getUint32(start + frame.AT_SOURCE, LITTLE_ENDIAN);
      this.#opens.set(key, sources.add(source));
    }
    if (++this.#seen % RECORDED_ONE_OF !== 0 && flags !== frame.OPEN) return;
    const bytes = slab.bytes.slice(start, end);
    this.recorded[this.#kept++ % RECORDED_MAX] = { from: address, to, group: 0, bytes };
  }

  /** An event, a question about events or its answer, to a group or, if that is 0, to a peer. */
  told(from: Peer, to: Peer, group: number, slab: Slab, start: number, end: number): void {
    const bytes = slab.bytes.slice(start, end);
    this.recordedEvents[this.#events++ % RECORDED_EVENTS_MAX] = { from, to, group, bytes };
  }
}

/** What a DATA datagram is told from others by: its sender, session and number. */
export function datagramNumber(
  slab: Slab,
  start: number,
  end: number,
  peer: Peer,
): string | undefined {
  const { view } = slab;
  if (end - start < frame.DATA_BITMAP) return undefined;
  if (view.getUint16(start + AT_CN_FLAGS, LITTLE_ENDIAN) !== frame.DATA) return undefined;
  const word = (offset: number): number => view.getUint32(start + offset, LITTLE_ENDIAN);
  const session = `${peer} ${word(frame.AT_SOURCE)} ${word(frame.AT_SESSION)} ${word(AT_ACK)}`;
  return `${session} ${word(frame.DATA_NUMBER_HIGH)} ${word(AT_SEQ)}`;
}
