import type { Tables } from './contestant.ts';
import type { Load, Score } from './measure.ts';
import type { Population } from './population.ts';

/** What memory a process has in use after a full collection, bytes. */
export interface Weight {
  readonly heapUsed: number;
  /** Outside of V8's heap, array buffers apart. */
  readonly external: number;
  readonly arrayBuffers: number;
  /** What the system gave the process; does not shrink with what is in use. */
  readonly rss: number;
}

/** What a side can be asked, and what it answers. */
export interface Answers {
  measure: Score;
  fill: undefined;
  dial: undefined;
  weigh: Weight;
  objects: Population;
  tables: Tables;
}

/** A question to one side of a contestant. */
export type Question =
  | { readonly kind: 'measure'; readonly load: Load }
  | { readonly kind: 'fill'; readonly count: number }
  | { readonly kind: 'dial' | 'weigh' | 'objects' | 'tables' };
