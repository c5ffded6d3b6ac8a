import type { Ledger } from './ledger.ts';
import { idOf, STAMP_LENGTH, stamped } from './stamp.ts';
import { isConnectorError } from '../../core/errors.ts';

/** Far from the calls between session peers, so that none is taken for one. */
const FIRST_ID = 1_000_000;
const LATE_MS = 2;

/** One request to a bare peer. */
export interface BareRecord {
  readonly id: number;
  readonly who: string;
  readonly idempotent: boolean;
  readonly deadlineMs: number;
  readonly length: number;
  /** How often the transport took it. */
  sent: number;
  settled: boolean;
}

/**
 * The book of bare requests. A bare peer does not deduplicate, so what counts is how often a
 * request was sent, and that what its caller was told agrees with that.
 */
export class BareBook {
  readonly #now: () => number;
  readonly #ledger: Ledger;
  readonly #intact: boolean;
  readonly #records: BareRecord[] = [];

  constructor(now: () => number, ledger: Ledger, intact: boolean) {
    this.#now = now;
    this.#ledger = ledger;
    this.#intact = intact;
  }

  get size(): number {
    return this.#records.length;
  }

  issue(who: string, idempotent: boolean, timeoutMs: number, length: number): BareRecord {
    const id = FIRST_ID + this.#records.length;
    const deadlineMs = this.#now() + timeoutMs;
    const size = Math.max(STAMP_LENGTH, length);
    const record = { id, who, idempotent, deadlineMs, length: size, sent: 0, settled: false };
    this.#records.push(record);
    return record;
  }

  /** The transport took a bare message with this payload. */
  sent(payload: Uint8Array): void {
    const record = this.#records[(idOf(payload, 'request') ?? 0) - FIRST_ID];
    if (record === undefined) return;
    record.sent += 1;
    if (record.idempotent || record.sent === 1) return;
    this.#ledger.violated(`bare request ${record.id} of ${record.who} was repeated`);
  }

  /** The reply of a bare peer to a request; undefined if it is none that it can read. */
  reply(payload: Uint8Array): Uint8Array | undefined {
    const id = idOf(payload, 'request');
    return id === undefined ? undefined : stamped(id, 'reply', payload.length);
  }

  /** The caller has a reply. What bare peers send has no checksum: damage is not noticed. */
  succeed(record: BareRecord, payload: Uint8Array): void {
    this.#settle(record);
    if (!this.#intact || idOf(payload, 'reply') === record.id) return;
    this.#ledger.violated(`bare request ${record.id} of ${record.who} got another's reply`);
  }

  fail(record: BareRecord, error: unknown): void {
    this.#settle(record);
    const name = `bare request ${record.id} of ${record.who}`;
    if (!isConnectorError(error)) this.#ledger.violated(`${name} failed with ${String(error)}`);
    else if (error.outcome === 'not-sent' && record.sent > 0) {
      this.#ledger.violated(`${name} was told not-sent (${error.code}), but was sent`);
    } else if (error.outcome === 'not-executed' || error.outcome === 'executed') {
      this.#ledger.violated(`${name} was told ${error.outcome}, which nobody can know`);
    }
  }

  /** Notes what is open when all is over. */
  judge(): void {
    for (const { id, who, settled } of this.#records) {
      if (!settled) this.#ledger.violated(`bare request ${id} of ${who} never settled`);
    }
  }

  #settle(record: BareRecord): void {
    record.settled = true;
    const late = this.#now() - record.deadlineMs;
    if (late <= LATE_MS) return;
    this.#ledger.violated(`bare request ${record.id} of ${record.who} settled ${late} ms late`);
  }
}
