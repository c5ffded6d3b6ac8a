import type { Traffic, Trouble } from './findings.ts';
import type { Executions } from './ledger.ts';
import type { Plan } from './plan.ts';
import type { Tally } from './tally.ts';
import type { Peer } from '../../transport/transport.ts';

/** What the parent tells a worker process. */
export type Order =
  | { readonly kind: 'serve'; readonly plan: Plan }
  | {
      readonly kind: 'connect';
      readonly plan: Plan;
      readonly client: number;
      readonly server: Peer;
      /** Whether to tell of progress. */
      readonly watched: boolean;
    }
  | { readonly kind: 'call' }
  | { readonly kind: 'finish' };

/** What a worker answers; `progress` and `failed` may come at any time. */
export type Answer =
  | { readonly kind: 'serving'; readonly address: Peer }
  | { readonly kind: 'connected' }
  | { readonly kind: 'progress'; readonly started: number }
  | { readonly kind: 'called' }
  | {
      readonly kind: 'finished';
      readonly tally: Tally | undefined;
      readonly executions: Executions | undefined;
      readonly traffic: Traffic;
      readonly trouble: Trouble;
    }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string };

export type AnswerOf<Kind extends Answer['kind']> = Extract<Answer, { readonly kind: Kind }>;
