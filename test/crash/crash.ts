import { chmodSync, closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Conductor, type Performance } from './conductor.ts';
import type { User } from './hand.ts';
import type { Plan } from './plan.ts';
import { Auditor, type Verdict } from './verdict.ts';

/** What a run did and what came of it. */
export interface Result extends Performance, Verdict {
  readonly tookMs: number;
  /** The book, which is kept if anything in it is wrong. */
  readonly book: string;
}

/** Runs a crash test in a folder of its own, which it removes if nothing is wrong. */
export async function crash(plan: Plan, user?: User): Promise<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'cnrpc-crash-'));
  const book = join(folder, 'book');
  closeSync(openSync(book, 'a'));
  chmodSync(folder, 0o755); // the workers may be another user
  chmodSync(book, 0o666);
  const start = performance.now();
  const performed = await new Conductor(plan, book, user).run();
  const tookMs = performance.now() - start;
  const result = { ...performed, ...(await Auditor.read(book)), tookMs, book };
  if (faults(result).length === 0) rmSync(folder, { recursive: true });
  return result;
}

/** Everything that went wrong, a line each. */
export function faults({ trouble, violations }: Result): readonly string[] {
  return [...trouble, ...violations];
}

/** The result in words. */
export function summary(plan: Plan, result: Result): string {
  const { serverKills, clientKills, fused, servers, begun, executions, told, repeated } = result;
  const wrong = faults(result);
  const outcomes = Object.entries(told).map(([outcome, calls]) => `${outcome} ${calls}`);
  return [
    `${serverKills + clientKills} kills: server ${serverKills}, clients ${clientKills}; ` +
      `${fused} of them at a chosen point, ${(result.tookMs / 1000).toFixed(1)} s`,
    `${begun} calls, ${executions} executions in ${servers} lives of the server, ` +
      `${repeated} idempotent ones repeated`,
    `callers were told: ${outcomes.sort().join(', ')}`,
    ...wrong.map((fault) => `WRONG: ${fault}`),
    ...(wrong.length === 0 ? [] : [`the book is ${result.book}`]),
    `${wrong.length} wrong; again: npm run crash -- ` +
      `--kills ${plan.kills} --clients ${plan.clients} --seed ${plan.seed}`,
  ].join('\n');
}
