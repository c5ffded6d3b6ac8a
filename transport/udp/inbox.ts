import { ConnectorError, required } from '../../core/errors.ts';
import { Slab } from '../../core/slab.ts';
import type { Peer, Sink, Source } from '../transport.ts';
import { isPeer, sourceOf } from './address.ts';
import { udpTruesize } from './charge.ts';

/** The longest UDP datagram: 65,535 less the headers of IP and UDP. */
export const DATAGRAM_MAX = 65_507;
/**
 * What may wait here, in truesize. libuv reads at most 32 datagrams of a socket before it lets
 * others have their turn, 2.1 MB of the longest; before `start` nobody takes them away.
 */
const HELD_MAX = 4 * 1024 * 1024;
/** So many datagrams at most come alone without a look whether others came with them. */
const UNWATCHED_MAX = 15;

interface Held {
  readonly bytes: Uint8Array;
  readonly peer: Peer;
  readonly group: number;
}

/**
 * Brings datagrams from the sockets to the sink. Node gives one datagram an event and runs promise
 * reactions after each; the end of what one poll found is seen by an immediate only, which comes
 * right after it. So what comes is held until then and handed over as one batch: the replies and
 * calls that it gives rise to can share datagrams.
 *
 * Where the poll before found no more than one, the first of a poll is a batch by itself and does
 * not wait: with one call in flight nothing follows it. An immediate is a round of the event loop,
 * with a poll of its own; where each finds that nothing followed, it is left out for the next one,
 * three, seven and fifteen datagrams.
 */
export class Inbox {
  /** Datagrams handed to the sink. */
  received = 0;
  /** Datagrams dropped because too much was waiting here. */
  overflow = 0;
  /** Datagrams dropped because nobody could be answered: their source has port 0. */
  sourceless = 0;
  readonly #slab = new Slab(DATAGRAM_MAX);
  readonly #source = { peer: 0, group: 0, credentials: undefined } satisfies Source;
  #sink: Sink | undefined;
  #open = true;
  #held: Held[] = [];
  #charge = 0;
  #failure: Error | undefined;
  #planned = false;
  /** Datagrams since the last immediate, that is, of this poll so far. */
  #polled = 0;
  /** The poll before found at most one. */
  #alone = true;
  /** Datagrams that are to come without a look, and how many it was the last time. */
  #unwatched = 0;
  #unwatchedLast = 0;
  #lastHost = '';
  #lastBase = 0;

  start(sink: Sink): void {
    required(this.#sink === undefined, 'a transport starts once');
    this.#sink = sink;
    if (this.#held.length > 0 || this.#failure !== undefined) this.#plan();
  }

  /** Nothing is delivered afterwards. */
  close(): void {
    this.#open = false;
    this.#held = [];
  }

  /** Takes one datagram, whose bytes are ours from now on. */
  take(bytes: Uint8Array, host: string, port: number, group: number): void {
    if (!this.#open) return;
    // Senders come in runs, and to read an address costs as much as the rest of this.
    if (host !== this.#lastHost) {
      this.#lastHost = host;
      this.#lastBase = sourceOf(host, 0);
    }
    const peer = this.#lastBase + port;
    const charge = this.#charge + udpTruesize(bytes.length);
    if (!isPeer(peer)) {
      this.sourceless++;
    } else if (charge > HELD_MAX) {
      this.overflow++;
    } else {
      this.#charge = charge;
      this.#held.push({ bytes, peer, group });
      if (this.#unwatched > 0) this.#unwatched--;
      else this.#watch();
      if (this.#alone && this.#polled <= 1) this.#deliver();
    }
  }

  #watch(): void {
    this.#polled++;
    this.#plan();
  }

  /** A socket broke: what came before is delivered, then nothing more. */
  fail(error: Error): void {
    if (!this.#open) return;
    this.#failure ??= error;
    this.#plan();
  }

  #plan(): void {
    if (this.#planned || this.#sink === undefined) return;
    this.#planned = true;
    setImmediate(this.#deliverRest);
  }

  readonly #deliverRest = (): void => {
    this.#planned = false;
    this.#alone = this.#polled <= 1;
    this.#polled = 0;
    this.#unwatchedLast = this.#alone ? Math.min(2 * this.#unwatchedLast + 1, UNWATCHED_MAX) : 0;
    this.#unwatched = this.#unwatchedLast;
    this.#deliver();
  };

  #deliver(): void {
    const sink = this.#sink;
    if (sink === undefined || !this.#open) return;
    const held = this.#held;
    this.#held = [];
    this.#charge = 0;
    for (const datagram of held) {
      this.#hand(datagram, sink);
      if (!this.#open) return;
    }
    if (held.length > 0) sink.received();
    if (this.#failure !== undefined && this.#open) this.#fail(this.#failure, sink);
  }

  #hand({ bytes, peer, group }: Held, sink: Sink): void {
    // Copied, because a slab for each would cost more: a DataView, and bytes that are a Buffer here
    // and a Uint8Array elsewhere, which all code that reads them would have to be compiled for.
    this.#slab.bytes.set(bytes);
    this.#source.peer = peer;
    this.#source.group = group;
    this.received++;
    sink.receive(this.#slab, 0, bytes.length, this.#source);
  }

  #fail(cause: Error, sink: Sink): void {
    this.close();
    const message = `receiving over UDP failed: ${cause.message}`;
    sink.failed(new ConnectorError('unavailable', message, { cause }));
  }
}
