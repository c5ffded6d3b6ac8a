import { setTimeout } from 'node:timers/promises';
import { Pool, type Hand, type User } from './hand.ts';
import { clientPortid, idOf, type Fuse, type Order, type Plan, type Point } from './plan.ts';
import { SeededRandom } from '../../core/random.ts';
import { portidOf } from '../../transport/portid.ts';

const SPARES = 4;
/** A life ends so many ms at most after it began to work. */
const LIFE_MAX_MS = 80;
const FUSE_MAX = 60;
/** Work that does not begin, and a fuse that does not burn, are not waited for any longer, ms. */
const PATIENCE_MS = 3_000;
/** What a seat stays empty for at most, ms. */
const EMPTY_MAX_MS = 20;
/** At the end everything is settled and closed within this time, ms. */
const FINISH_MS = 30_000;
const POINTS: readonly Point[] = ['before-entry', 'after-entry', 'reactions', 'sent'];

/** What a run did, besides what is in the book. */
export interface Performance {
  readonly serverKills: number;
  readonly clientKills: number;
  /** Of them: those that hit a process in its work, at a point it had chosen. */
  readonly fused: number;
  /** What went wrong with the processes themselves. */
  readonly trouble: readonly string[];
}

/** Runs one server and some clients, and kills them, each at its own pace, `plan.kills` times. */
export class Conductor {
  readonly #plan: Plan;
  readonly #book: string;
  readonly #pool: Pool;
  readonly #id = idOf(process.pid);
  readonly #trouble: string[] = [];
  #left: number;
  #fused = 0;

  constructor(plan: Plan, book: string, user?: User) {
    this.#plan = plan;
    this.#book = book;
    this.#left = plan.kills;
    this.#pool = new Pool(SPARES, user);
  }

  async run(): Promise<Performance> {
    const seats = Array.from({ length: this.#plan.clients + 1 }, (_, seat) => this.#seat(seat));
    const lasts = await Promise.all(seats);
    const [server, ...clients] = lasts.map(({ hand }) => hand);
    await Promise.all(clients.map((client, at) => this.#finish(client, `client ${at + 1}`)));
    await this.#finish(server!, 'the server');
    await this.#pool.close();
    const [serverKills, ...clientKills] = lasts.map(({ kills }) => kills);
    return {
      serverKills: serverKills!,
      clientKills: clientKills.reduce((sum, kills) => sum + kills, 0),
      fused: this.#fused,
      trouble: this.#trouble,
    };
  }

  /** One life after the other, until there is nobody left to kill; gives the last one. */
  async #seat(seat: number): Promise<{ readonly hand: Hand; readonly kills: number }> {
    const random = new SeededRandom(this.#plan.seed).fork(`seat ${seat}`);
    for (let life = 0; ; life++) {
      const hand = await this.#pool.take();
      const last = this.#left <= 0;
      if (!last) this.#left -= 1;
      const fuse = last || random.chance(0.5) ? undefined : drawFuse(random);
      const working = hand.order(this.#order(seat, life, fuse));
      if (last) return { hand, kills: life };
      if (fuse === undefined) {
        if (random.chance(0.8)) await within(working, PATIENCE_MS); // or before it works
        await within(hand.ended, random.range(0, LIFE_MAX_MS));
      } else if (await within(hand.ended, PATIENCE_MS)) {
        this.#fused += 1;
      }
      hand.kill();
      const how = await hand.ended;
      if (how !== undefined) this.#trouble.push(`${label(seat, life)} ended by ${how}`);
      if (random.chance(0.5)) await setTimeout(random.range(0, EMPTY_MAX_MS));
    }
  }

  #order(seat: number, life: number, fuse: Fuse | undefined): Order {
    const id = this.#id;
    return {
      kind: seat === 0 ? 'serve' : 'call',
      label: label(seat, life),
      book: this.#book,
      id,
      portid: seat === 0 ? portidOf(id) : clientPortid(id, seat),
      seed: this.#plan.seed,
      fuse,
    };
  }

  async #finish(hand: Hand, name: string): Promise<void> {
    let finished: boolean | undefined;
    const order = hand.order({ kind: 'finish' }).then((done) => (finished = done));
    await within(order, FINISH_MS);
    hand.kill();
    const how = await hand.ended;
    if (finished === true) return;
    const late = `did not finish within ${FINISH_MS} ms`;
    this.#trouble.push(`${name} ${finished === false ? `ended by ${how ?? 'SIGKILL'}` : late}`);
  }
}

/** Names a life: the seat, and how many there were in it before. */
function label(seat: number, life: number): string {
  return `${seat === 0 ? 's' : `c${seat}`}:${life}`;
}

function drawFuse(random: SeededRandom): Fuse {
  const point = POINTS[random.integer(0, POINTS.length - 1)]!;
  return { point, count: random.integer(1, FUSE_MAX) };
}

/** Waits for something, but not longer than so many ms; gives whether it came. */
async function within(event: Promise<unknown>, ms: number): Promise<boolean> {
  const patience = new AbortController();
  const came = event.then(() => true);
  const waited = setTimeout(ms, false, { signal: patience.signal }).catch(() => false);
  const result = await Promise.race([came, waited]);
  patience.abort();
  return result;
}
