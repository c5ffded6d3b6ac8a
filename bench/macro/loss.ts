import type { Load, Score } from '../contestants/measure.ts';
import { tell } from '../results.ts';
import { Unmeasured, type Scenario, type Screen } from '../scenario.ts';
import { withField, type Field } from './field.ts';
import { OURS } from './starters.ts';
import { lossCells, type Cell } from './links.ts';
import { ETHERNET, lossStarters, type Lane } from './loss-entrants.ts';
import { formatLoss } from './loss-report.ts';
import { afterwards, machineFacts } from './machine.ts';
import type { Cost, Player } from './player.ts';
import { beside, rowOf, type Pace, type RaceResult, type RaceRow, type Sample } from './race.ts';
import type { Passed } from './relay.ts';
import { shuffled } from './rounds.ts';
import { spreadOf, type Spread } from './spread.ts';

const NAME = 'loss';
/** Warming up is for each load once, whatever the link: the code is the same. */
const PACE = { rounds: 3, ms: 250, warmUpMs: 4_000 };
const BRIEF = { ...PACE, rounds: 1, warmUpMs: 1_000 };
/** For the first estimates of the round trip, before anything is lost. */
const SETTLE_MS = 100;
/** Longer than the time-outs of a second that rivals have. */
const PATIENCE_MS = 1_200;
/** Who is slower than us by this factor where datagrams are lost is not measured there again. */
const HOPELESS = 20;

/** One contestant on one link with one load. */
export interface LossRow extends RaceRow {
  /** How often it was measured, and in how many of those it left calls unanswered. */
  readonly rounds: number;
  readonly stalled: number;
  readonly p99Spread: Spread;
  /** Offered to the link by both sides, for a call. */
  readonly datagramsPerCall: Spread;
  /** Calls a second, each a message each way, as a share of what the link's queue serves. */
  readonly goodput?: number;
}

/** All that one run found. */
export interface LossResult extends RaceResult {
  readonly rows: readonly LossRow[];
  /** Datagrams that the relay itself lost, out of how many. */
  readonly missed: number;
  readonly offered: number;
}

/**
 * Echo calls through lossy links, each contestant in turn through a relay of its own, in an order
 * drawn anew each round; in one round all meet the same random numbers. Each measurement has a
 * connection of its own, made and used for a moment before anything is lost.
 */
export const loss: Scenario = {
  name: NAME,
  seconds: 75,
  run: async (options, { progress, print }) => {
    const cells = lossCells(options);
    if (cells.length === 0) throw new Unmeasured('no link has such a name');
    const lanes = new Map<string, Lane>();
    const result = await withField(lossStarters(lanes), options, (field) =>
      new LossRun(field, lanes, cells, options.pace(PACE, BRIEF), progress).measureAll());
    print(tell(NAME, result, options.saves, formatLoss));
    return 0;
  },
};

interface Passing {
  readonly passed: Passed;
}

class LossRun {
  readonly #field: Field;
  readonly #lanes: ReadonlyMap<string, Lane>;
  readonly #cells: readonly Cell[];
  readonly #pace: Pace;
  readonly #progress: Screen['progress'];
  #offered = 0;
  #missed = 0;

  constructor(
    field: Field,
    lanes: ReadonlyMap<string, Lane>,
    cells: readonly Cell[],
    pace: Pace,
    progress: Screen['progress'],
  ) {
    this.#field = field;
    this.#lanes = lanes;
    this.#cells = cells;
    this.#pace = pace;
    this.#progress = progress;
  }

  async measureAll(): Promise<LossResult> {
    const before = machineFacts();
    for (const player of [...this.#field.players]) {
      await this.#field.attempt(player, this.#pace.warmUpMs, () => this.#warmUp(player));
    }
    const rows: LossRow[] = [];
    for (const [index, cell] of this.#cells.entries()) {
      this.#progress(index / this.#cells.length);
      rows.push(...(await this.#measure(cell)));
    }
    const { rounds, ms } = this.#pace;
    const { absent } = this.#field;
    const [offered, missed] = [this.#offered, this.#missed];
    return { machine: afterwards(before), rounds, ms, absent, offered, missed, rows };
  }

  async #warmUp(player: Player): Promise<void> {
    const cells = this.#cells.filter(({ link }) => this.#lanes.get(player.name)!.plays(link));
    for (const cell of new Map(
      cells.map((each) => [`${each.size} ${each.inFlight}`, each]),
    ).values()) {
      await player.dial();
      await player.measure(loadOf(cell, this.#pace.warmUpMs));
    }
  }

  async #measure(cell: Cell): Promise<LossRow[]> {
    const samples = new Map<string, (Sample & Passing)[]>();
    const hopeless = (name: string): boolean =>
      cell.link.loss > 0 && samples.get(name)?.some(({ ratio }) => ratio > HOPELESS) === true;
    for (let round = 0; round < this.#pace.rounds; round++) {
      const scores = new Map<string, Score & Cost & Passing>();
      for (const player of shuffled(this.#field.players)) {
        const { name } = player;
        if (!this.#lanes.get(name)!.plays(cell.link) || hopeless(name)) continue;
        const score = await this.#field.attempt(player, this.#pace.ms, () =>
          this.#measureOne(player, cell, round));
        if (score !== undefined) scores.set(name, score);
      }
      const first = scores.get(ETHERNET) ?? scores.get(OURS)!;
      for (const [name, score] of scores) {
        const sample = { ...beside(score, first), passed: score.passed };
        samples.set(name, [...(samples.get(name) ?? []), sample]);
      }
    }
    return this.#field.players
      .filter(({ name }) => samples.has(name))
      .map(({ name }) => lossRowOf(name, cell, samples.get(name)!));
  }

  async #measureOne(player: Player, cell: Cell, seed: number): Promise<Score & Cost & Passing> {
    const { relay } = this.#lanes.get(player.name)!;
    const whole = { ...cell.link, loss: 0 };
    await relay.change(whole, seed);
    await player.dial();
    await player.measure(loadOf(cell, SETTLE_MS));
    await relay.change(cell.link, seed);
    const score = await player.measure(loadOf(cell, this.#pace.ms));
    const passed = await relay.change(whole, seed);
    this.#offered += passed.offered;
    this.#missed += passed.missed;
    // What made no call counts as if it had made one, or it could not be compared with.
    const least = 1_000 / (this.#pace.ms + PATIENCE_MS);
    return { ...score, perSecond: Math.max(score.perSecond, least), passed };
  }
}

function loadOf({ size, inFlight }: Cell, ms: number): Load {
  return { task: 'echo', size, inFlight, ms, every: 1, patienceMs: PATIENCE_MS };
}

function lossRowOf(name: string, cell: Cell, samples: readonly (Sample & Passing)[]): LossRow {
  const { link, size, inFlight } = cell;
  const row = rowOf(`${link.name}; ${size} B, ${inFlight} in flight`, name, samples);
  return {
    ...row,
    rounds: samples.length,
    stalled: samples.filter(({ open }) => open > 0).length,
    p99Spread: spreadOf(samples.map(({ p99 = NaN }) => p99)),
    datagramsPerCall: spreadOf(
      samples.map(({ done, passed }) => passed.offered / Math.max(done, 1)),
    ),
    ...(link.rate > 0 ? { goodput: row.perSecond.median / link.rate } : {}),
  };
}
