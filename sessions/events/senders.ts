import type { Track } from './track.ts';
import type { Peer } from '../../transport/transport.ts';
import { sameIncarnation, type Incarnation } from '../../transport/wire/handshake.ts';

/** Streams followed of one address: the living one, and old ones whose copies may still come. */
const STREAMS_MAX = 4;

/** All that is known of one address. */
interface Sender {
  /** The one heard last at the end. */
  readonly tracks: Track[];
  /** When a stream of it was forgotten last. */
  forgotAt: number;
}

/**
 * The streams that a subscription follows, by address. Bounded: what was heard least recently gives
 * way if it is quiet. That something was forgotten is remembered, since whatever is heard then may
 * have been heard before.
 */
export class Senders {
  readonly #max: number;
  /** In the order in which they were heard last. */
  readonly #senders = new Map<Peer, Sender>();
  readonly #forgotten: (track: Track) => void;
  #forgotAt = -Infinity;

  /** `forgotten` is told of each track that gives way. */
  constructor(max: number, forgotten: (track: Track) => void) {
    this.#max = max;
    this.#forgotten = forgotten;
  }

  /** Finds a stream, which is then the one heard last. */
  find(peer: Peer, stream: Incarnation): Track | undefined {
    const sender = this.#senders.get(peer);
    const index = sender?.tracks.findIndex((track) => sameIncarnation(track.stream, stream)) ?? -1;
    if (sender === undefined || index < 0) return undefined;
    if (this.#senders.size > 1) {
      this.#senders.delete(peer);
      this.#senders.set(peer, sender);
    }
    const track = sender.tracks[index]!;
    if (index < sender.tracks.length - 1) sender.tracks.push(...sender.tracks.splice(index, 1));
    return track;
  }

  /** Makes room for one more stream of an address; false if there is none. */
  makeRoom(peer: Peer, now: number): boolean {
    const sender = this.#senders.get(peer);
    if (sender !== undefined) {
      if (sender.tracks.length < STREAMS_MAX) return true;
      if (!sender.tracks[0]!.quiet) return false;
      sender.forgotAt = now;
      this.#forgotten(sender.tracks.shift()!);
      return true;
    }
    if (this.#senders.size < this.#max) return true;
    const [oldest, { tracks }] = this.#senders.entries().next().value!;
    if (!tracks.every(({ quiet }) => quiet)) return false;
    this.#forgotAt = now;
    this.#senders.delete(oldest);
    for (const track of tracks) this.#forgotten(track);
    return true;
  }

  /** Adds a stream that `makeRoom` found room for. */
  add(track: Track): void {
    const { peer } = track.origin;
    const sender = this.#senders.get(peer);
    if (sender === undefined) this.#senders.set(peer, { tracks: [track], forgotAt: -Infinity });
    else sender.tracks.push(track);
  }

  /** When one was forgotten that a new stream of an address could be; -Infinity: never. */
  forgotAt(peer: Peer): number {
    return Math.max(this.#forgotAt, this.#senders.get(peer)?.forgotAt ?? -Infinity);
  }

  /** The streams of one address. */
  of(peer: Peer): readonly Track[] {
    return this.#senders.get(peer)?.tracks ?? [];
  }

  /** Forgets a stream of which nothing was ever given to the listener. */
  remove(track: Track): void {
    const { peer } = track.origin;
    const sender = this.#senders.get(peer);
    if (sender === undefined) return;
    sender.tracks.splice(sender.tracks.indexOf(track), 1);
    if (sender.tracks.length === 0 && sender.forgotAt === -Infinity) this.#senders.delete(peer);
    this.#forgotten(track);
  }

  *tracks(): Generator<Track> {
    for (const { tracks } of this.#senders.values()) yield* tracks;
  }
}
