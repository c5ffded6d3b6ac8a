import type { ConnectorId } from '../core/id.ts';
import type { Genes } from '../reliability/match.ts';
import type { Peer } from '../transport/transport.ts';

/** Words of a place in the ring: what a reply is known by, and the one before it in its chain. */
const PEER = 0;
const IDX = 1;
const VAL = 2;
const SEQ = 3;
const ACK = 4;
const BEFORE = 5;
const PLACE = 6;

/** Odd, without a pattern in its bits: the golden ratio times 2^32. */
const SPREAD = 0x9e3779b1;

/**
 * The replies of bare peers consumed lately, by peer, id, seq and ack. Each has a number, one more
 * than the last; numbers lead to places in a ring, and from one reply to an older one with the same
 * hash. What the ring has written over is told by its number, so nothing is ever unlinked. All in
 * plain words: objects that stay for 4096 calls were what the collector was busy with, and an LRU
 * cache took as long as all other tables of a request.
 */
export class ConsumedReplies {
  readonly #max: number;
  /** Places, a power of two; the newest `#max` count. */
  readonly #mask: number;
  /** Both empty until there is a reply: most endpoints have none. */
  #ring = new Float64Array(0);
  /** The number of the newest reply with a hash. */
  #newest = new Float64Array(0);
  #last: number;

  /** `max` is at least 1. */
  constructor(max: number) {
    this.#max = max;
    this.#mask = 2 ** Math.ceil(Math.log2(max)) - 1;
    this.#last = max; // so that 0 is too old to count
  }

  add(peer: Peer, id: ConnectorId, genes: Genes): void {
    if (this.#ring.length === 0) {
      this.#ring = new Float64Array((this.#mask + 1) * PLACE);
      this.#newest = new Float64Array(this.#mask + 1);
    } else if (this.has(peer, id, genes)) return; // parts of a reply can be alike (KF §3.1)
    const number = ++this.#last;
    const ring = this.#ring;
    const at = (number & this.#mask) * PLACE;
    const hash = this.#hash(genes);
    ring[at + PEER] = peer;
    ring[at + IDX] = id.idx;
    ring[at + VAL] = id.val;
    ring[at + SEQ] = genes.seq;
    ring[at + ACK] = genes.ack;
    ring[at + BEFORE] = this.#newest[hash]!;
    this.#newest[hash] = number;
  }

  has(peer: Peer, { idx, val }: ConnectorId, genes: Genes): boolean {
    const { seq, ack } = genes;
    const ring = this.#ring;
    if (ring.length === 0) return false;
    const gone = this.#last - this.#max;
    for (let number = this.#newest[this.#hash(genes)]!; number > gone;) {
      const at = (number & this.#mask) * PLACE;
      const same = ring[at + SEQ] === seq && ring[at + ACK] === ack && ring[at + PEER] === peer;
      if (same && ring[at + IDX] === idx && ring[at + VAL] === val) return true;
      number = ring[at + BEFORE]!;
    }
    return false;
  }

  /** Either may be constant or a function of the other, as agents like it (KF §3). */
  #hash({ seq, ack }: Genes): number {
    const mixed = Math.imul(Math.imul(seq, SPREAD) ^ ack, SPREAD);
    return (mixed >>> Math.clz32(this.#mask)) & this.#mask; // the upper bits are mixed best
  }
}
