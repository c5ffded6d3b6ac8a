import Denque from 'denque';
import { load } from './library.ts';
import { OpenCalls } from './open-calls.ts';
import type { Client, Deed, Place } from './contestant.ts';
import type { Sink } from '../../transport/transport.ts';
import type { NetlinkTransport } from '../../transport/netlink/netlink.ts';
import { align4, LITTLE_ENDIAN, Slab } from '../../core/slab.ts';

/** Length and number of the call, four bytes each. */
const HEADER = 8;
/** So many replies are sent before the next requests are read, as the library does it. */
const SHARE = 16;

/** Echoes frames over the library's own transport. */
export async function serve(place: Place): Promise<void> {
  const { openNetlink } = await load(place);
  const transport = openNetlink({ portid: place.portid });
  let packer: Packer | undefined;
  let replies = 0;
  receive(transport, (number, payload, peer) => {
    packer ??= new Packer(transport, peer);
    packer.add(number, payload);
    replies += 1;
    if (replies % SHARE === 0) packer.flush();
  }, () => packer?.flush());
}

/**
 * A number and a promise a call over the library's own transport, and nothing that makes it
 * reliable: no identity, no duplicate detection, no acknowledgement, no deadline, no bound.
 */
export async function connect(place: Place): Promise<Client> {
  const { openNetlink } = await load(place);
  const transport = openNetlink();
  const packer = new Packer(transport, place.portid);
  const open = new OpenCalls();
  let planned = false;
  const flush = (): void => {
    planned = false;
    packer.flush();
  };
  receive(transport, (number, payload) => open.settle(number, payload), () => {});
  const echo: Deed = (payload) =>
    new Promise((resolve) => {
      packer.add(open.add(resolve), payload);
      if (planned) return;
      planned = true;
      queueMicrotask(() => process.nextTick(flush)); // all calls of one turn in one datagram
    });
  return { echo };
}

/** Gathers frames into datagrams as long as there can be. */
class Packer {
  readonly #transport: NetlinkTransport;
  readonly #peer: number;
  readonly #slab: Slab;
  /** Behind those in the slab. */
  readonly #waiting = new Denque<{ number: number; payload: Uint8Array }>();
  #end = 0;
  #retrying = false;

  constructor(transport: NetlinkTransport, peer: number) {
    this.#transport = transport;
    this.#peer = peer;
    this.#slab = new Slab(transport.traits.datagramMax);
  }

  add(number: number, payload: Uint8Array): void {
    if (this.#waiting.length > 0 || !this.#put(number, payload)) {
      this.#waiting.push({ number, payload });
    }
  }

  /** Sends all, or as much as the peer's queue takes, and the rest with the next turns. */
  flush(): void {
    while (this.#end > 0) {
      if (this.#transport.send(this.#slab, 0, this.#end, this.#peer) !== 'sent') {
        if (!this.#retrying) setImmediate(this.#retry);
        this.#retrying = true;
        return;
      }
      this.#end = 0;
      for (let first = this.#waiting.peekFront(); first; first = this.#waiting.peekFront()) {
        if (!this.#put(first.number, first.payload)) break;
        this.#waiting.shift();
      }
    }
  }

  readonly #retry = (): void => {
    this.#retrying = false;
    this.flush();
  };

  #put(number: number, payload: Uint8Array): boolean {
    const { bytes, view } = this.#slab;
    const at = this.#end;
    const end = align4(at + HEADER + payload.length);
    if (end > bytes.length) return false;
    view.setUint32(at, payload.length, LITTLE_ENDIAN);
    view.setUint32(at + 4, number, LITTLE_ENDIAN);
    bytes.set(payload, at + HEADER);
    this.#end = end;
    return true;
  }
}

type Take = (number: number, payload: Uint8Array, peer: number) => void;

/** Starts a transport; each payload is a copy, as users get one. */
function receive(transport: NetlinkTransport, take: Take, over: () => void): void {
  const sink: Sink = {
    receive: ({ bytes, view }, start, end, { peer }) => {
      for (let at = start; at < end;) {
        const length = view.getUint32(at, LITTLE_ENDIAN);
        const from = at + HEADER;
        take(view.getUint32(at + 4, LITTLE_ENDIAN), bytes.slice(from, from + length), peer);
        at = start + align4(from + length - start);
      }
    },
    received: over,
    overrun: () => {},
    failed: (error) => {
      throw error;
    },
  };
  transport.start(sink);
}
