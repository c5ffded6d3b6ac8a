/** A client that is timed from the start of its process: `starter.js MODULE PLACE`. */
import type { Contestant, Place } from './contestant.ts';

/** When it got where, ms after the process began. */
export interface Milestones {
  /** Node itself is up and runs our first line. */
  readonly born: number;
  /** What it needs is imported. */
  readonly imported: number;
  /** The first call is answered. */
  readonly answered: number;
}

const born = performance.now();
const [module, where] = process.argv.slice(2) as [string, string];
const place = JSON.parse(where) as Place;
const { load, connect } = (await import(module)) as Contestant;
await load?.(place);
const imported = performance.now();
const { echo } = await connect(place);
await echo!(new Uint8Array(64));
const answered = performance.now();
const milestones: Milestones = { born, imported, answered };
process.send?.(milestones, undefined, undefined, () => process.exit());
