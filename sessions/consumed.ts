import { LRUCache } from 'lru-cache/raw';
import type { Genes } from '../reliability/match.ts';
import type { ConnectorId } from '../core/id.ts';
import type { Peer } from '../transport/transport.ts';

interface Consumed {
  readonly peer: Peer;
  readonly idx: number;
  readonly val: number;
  readonly seq: number;
  readonly ack: number;
  /** Another one with the same key. */
  readonly other: Consumed | undefined;
}

/**
 * The replies of bare peers consumed lately, by peer, id, seq and ack. The key is 32
 * bits, since a text of all that would cost more than the rest of it. Of those that meet there, one
 * in a million, two are kept.
 */
export class ConsumedReplies {
  readonly #replies: LRUCache<number, Consumed>;

  constructor(max: number) {
    this.#replies = new LRUCache({ max });
  }

  add(peer: Peer, { idx, val }: ConnectorId, { seq, ack }: Genes): void {
    const key = seq ^ ack;
    const met = this.#replies.peek(key);
    const other = met === undefined ? undefined : { ...met, other: undefined };
    this.#replies.set(key, { peer, idx, val, seq, ack, other });
  }

  has(peer: Peer, { idx, val }: ConnectorId, { seq, ack }: Genes): boolean {
    for (let found = this.#replies.get(seq ^ ack); found !== undefined; found = found.other) {
      const same = found.peer === peer && found.idx === idx && found.val === val;
      if (same && found.seq === seq && found.ack === ack) return true;
    }
    return false;
  }
}
