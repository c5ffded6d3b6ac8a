import { Buffer } from 'node:buffer'; // the global one is a getter
import { channelOf, optionsOf, quotaOf, randomOf, STRESS_ID, type Plan } from './plan.ts';
import { STAMP_LENGTH, writeStamp } from './stamp.ts';
import { noOutcomes, type Tally } from './tally.ts';
import type { Clock } from '../../core/clock.ts';
import { isConnectorError, type ConnectorError } from '../../core/errors.ts';
import type { SeededRandom } from '../../core/random.ts';
import type { Connection } from '../../sessions/connection.ts';
import type { Endpoint } from '../../sessions/endpoint.ts';
import type { Peer } from '../../transport/transport.ts';

export interface CallerParts {
  readonly plan: Plan;
  /** Which of the clients this is, from 0. */
  readonly client: number;
  readonly endpoint: Endpoint;
  readonly clock: Clock;
}

/** One client of a stress run: makes its share of the calls and checks every reply. */
export class Caller {
  readonly #parts: CallerParts;
  #quota: number;
  readonly #filler: SeededRandom;
  /** Calls made so far on each channel. */
  readonly #positions: number[] = [];
  readonly #latenciesUs: Uint32Array;
  readonly #failedByOutcome = noOutcomes();
  #connection: Connection | undefined;
  #started = 0;
  #succeeded = 0;
  #wrongReplies = 0;
  #firstFailure: string | undefined;

  constructor(parts: CallerParts) {
    const { plan, client } = parts;
    this.#parts = parts;
    this.#quota = quotaOf(plan, client);
    this.#filler = randomOf(plan, `filler ${client}`);
    this.#latenciesUs = new Uint32Array(this.#quota);
  }

  get started(): number {
    return this.#started;
  }

  get tally(): Tally {
    return {
      started: this.#started,
      succeeded: this.#succeeded,
      failedByOutcome: this.#failedByOutcome,
      wrongReplies: this.#wrongReplies,
      latenciesUs: this.#latenciesUs.subarray(0, this.#succeeded),
      firstFailure: this.#firstFailure,
    };
  }

  /** Opens the session. Where that fails, every call will. */
  async connect(peer: Peer): Promise<void> {
    try {
      this.#connection = await this.#parts.endpoint.connect(STRESS_ID, { peer });
    } catch (error) {
      if (!isConnectorError(error)) throw error;
      this.#firstFailure = error.message;
    }
  }

  /** Makes all calls, so many at a time; ends when each of them has succeeded or failed. */
  async call(): Promise<void> {
    const lines = Math.min(this.#parts.plan.inFlight, this.#quota);
    await Promise.all(Array.from({ length: lines }, () => this.#line()));
    await this.#connection?.close();
  }

  /** Makes no more calls; those that are open are waited for. */
  stop(): void {
    this.#quota = this.#started;
  }

  /**
   * Makes one call after the other, each payload in the memory of the one before: who looks at it
   * after the call has ended, or has to repeat it, finds another's. No function for each call: it
   * would take what a call does.
   */
  async #line(): Promise<void> {
    const { clock, plan } = this.#parts;
    const words = new Uint32Array(Math.ceil(plan.payload / 4));
    const payload = new Uint8Array(words.buffer, 0, plan.payload);
    const connection = this.#connection;
    while (this.#started < this.#quota) {
      const number = this.#started++;
      if (connection === undefined) {
        this.#failedByOutcome['not-sent'] += 1;
        continue;
      }
      const channel = channelOf(number);
      this.#write(words, payload, number, channel);
      const began = clock.now();
      try {
        const reply = await connection.call('echo', payload, optionsOf(channel));
        this.#latenciesUs[this.#succeeded++] = Math.round((clock.now() - began) * 1000);
        if (!isSame(reply, payload)) this.#wrongReplies += 1;
      } catch (error) {
        if (!isConnectorError(error)) throw error;
        this.#fail(error);
      }
    }
  }

  #fail({ outcome = 'unknown', message }: ConnectorError): void {
    this.#failedByOutcome[outcome] += 1;
    this.#firstFailure ??= message;
  }

  /** The call's stamp, then filler: a reply that is another call's differs in nearly every byte. */
  #write(words: Uint32Array, bytes: Uint8Array, number: number, channel: number): void {
    const { client, plan } = this.#parts;
    for (let at = 0; at < words.length; at++) words[at] = this.#filler.u32();
    const position = this.#positions[channel] ?? 0;
    this.#positions[channel] = position + 1;
    if (plan.payload >= STAMP_LENGTH) writeStamp(bytes, { client, number, channel, position });
  }
}

function isSame(reply: unknown, payload: Uint8Array): boolean {
  return reply instanceof Uint8Array && Buffer.compare(reply, payload) === 0;
}
