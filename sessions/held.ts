import type { Incoming } from './incoming.ts';
import type { Resources } from './resources.ts';
import { SeqTable } from '../reliability/table.ts';

/**
 * The requests of one session that wait, run, or have a reply that is not acknowledged. What they
 * take of the endpoint's bounds is counted here and nowhere else: a session may hold as much as it
 * leaves free (the dynamic thresholds of shared switch buffers), and a small part in any case:
 * those who take all they can and give nothing back halve the rest each, until there is none.
 */
export class HeldRequests {
  readonly #resources: Resources;
  readonly #table = new SeqTable<Incoming>();
  #owed = 0;
  #running = 0;
  #bytes = 0;

  constructor(resources: Resources) {
    this.#resources = resources;
  }

  get size(): number {
    return this.#table.size;
  }

  /** Those of them whose caller still wants to know, or was told that they run. */
  get owed(): number {
    return this.#owed;
  }

  /** Those of them whose handler runs, wanted or not. */
  get running(): number {
    return this.#running;
  }

  /** Tells whether there is room for one more request of `length` bytes. */
  admits(length: number): boolean {
    const { limits, requestsHeld, requestBytesHeld } = this.#resources;
    const { requestsMax, requestBytesMax, sessionsMax } = limits;
    return (
      fits(this.size, 1, requestsHeld, requestsMax, sessionsMax) &&
      fits(this.#bytes, length, requestBytesHeld, requestBytesMax, sessionsMax)
    );
  }

  get(seq: number): Incoming | undefined {
    return this.#table.get(seq);
  }

  /** A copy: entries may go while it is walked. */
  all(): Incoming[] {
    return [...this.#table.values()];
  }

  add(incoming: Incoming): void {
    this.#table.add(incoming);
    this.#owed += 1;
    this.#resources.requestsHeld += 1;
    this.#count(incoming, incoming.payload.length);
  }

  /** Its payload in pieces has come. */
  fill(incoming: Incoming, format: number, payload: Uint8Array): void {
    incoming.format = format;
    incoming.payload = payload;
    this.#count(incoming, payload.length);
  }

  /** Nobody needs its payload any more. */
  empty(incoming: Incoming): void {
    incoming.letGo();
    this.#count(incoming, 0);
  }

  /** Its handler begins. */
  start(incoming: Incoming): void {
    incoming.state = 'running';
    if (this.#runs(incoming)) this.#running += 1;
  }

  /** Its handler has ended, or will not begin. */
  finish(incoming: Incoming): void {
    if (this.#runs(incoming)) this.#running -= 1;
    incoming.state = 'finished';
    this.empty(incoming);
  }

  /** Nobody waits for it any more. */
  cancel(incoming: Incoming): void {
    incoming.cancelled = true;
    this.#owed -= 1;
  }

  /** False if it was not here. */
  delete(incoming: Incoming): boolean {
    if (this.#runs(incoming)) this.#running -= 1;
    if (!this.#table.delete(incoming.seq)) return false;
    if (!incoming.cancelled) this.#owed -= 1;
    this.#resources.requestsHeld -= 1;
    this.empty(incoming);
    return true;
  }

  #runs(incoming: Incoming): boolean {
    return incoming.state === 'running' && this.#table.get(incoming.seq) === incoming;
  }

  #count(incoming: Incoming, bytes: number): void {
    const more = bytes - incoming.counted;
    incoming.counted = bytes;
    this.#bytes += more;
    this.#resources.requestBytesHeld += more;
  }
}

/** Of each bound, what is set aside in equal parts for all the sessions that there may be. */
const RESERVED = 1 / 8;

/**
 * Tells whether a session that holds `own` may hold `more` of a bound of which `held` is taken: its
 * part of the reserve always, and beyond that as much as it leaves free of the rest.
 */
function fits(own: number, more: number, held: number, max: number, sessions: number): boolean {
  if (own + more <= (max * RESERVED) / sessions) return held + more <= max;
  return own + more <= Math.ceil(max * (1 - RESERVED)) - held;
}
