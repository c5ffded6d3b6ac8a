import { runCell, type CellResult } from './cell.ts';
import { grounds, inFlights, type Ground, type Question, type Step } from './questions.ts';

/** One answer in virtual time: the same on every machine. */
export interface VirtualRow extends CellResult {
  readonly question: string;
  readonly ground: string;
  readonly step: string;
  readonly inFlight: number;
  readonly calls: number;
}

const SEED = 1;

/** Answers one question on all grounds, with `callsOf(inFlight)` calls in each cell. */
export async function answer(
  question: Question,
  callsOf: (inFlight: number) => number,
  answered: () => void = () => {},
): Promise<VirtualRow[]> {
  const rows: VirtualRow[] = [];
  for (const ground of grounds) {
    for (const inFlight of inFlights) {
      for (const step of question.steps) {
        const cell = await runStep(step, ground, inFlight, callsOf(inFlight));
        const where = { question: question.name, ground: ground.name, step: step.label };
        rows.push({ ...where, inFlight, calls: callsOf(inFlight), ...cell });
        answered();
      }
    }
  }
  return rows;
}

function runStep(step: Step, ground: Ground, inFlight: number, calls: number): Promise<CellResult> {
  return runCell({ ...step.options(ground), inFlight, calls, seed: SEED });
}

/** Makes the table of one question, line by line. */
export function virtualLines(
  { name, varies }: Question,
  rows: readonly VirtualRow[],
  previous: readonly VirtualRow[] = [],
): string[] {
  const lines: string[] = [];
  let heading = '';
  for (const row of rows.filter(({ question }) => question === name)) {
    const next = `${varies}; ${row.ground}; ${row.inFlight} in flight, ${row.calls} calls`;
    if (next !== heading) lines.push('', (heading = next), HEAD);
    lines.push(lineOf(row) + changeOf(row, previous.find((old) => isSame(old, row))));
  }
  return lines;
}

const WIDTHS = [11, 11, 10, 10, 10, 8, 8, 7, 9];
const HEAD = cellsOf([
  '', 'calls/s', 'p50', 'p99', 'p999 ms', 'sent', 'dgrams', 'held', 'overruns',
]);

function lineOf(row: VirtualRow): string {
  const { step, callsPerSecond, p50, p99, p999, transmissions, datagrams, held, overrun } = row;
  return cellsOf([
    step, callsPerSecond.toFixed(0), p50.toFixed(3), p99.toFixed(3), p999.toFixed(3),
    transmissions.toFixed(3), datagrams.toFixed(3), String(held), String(overrun),
  ]);
}

function cellsOf(cells: readonly string[]): string {
  return cells.map((cell, at) => cell.padStart(WIDTHS[at]!)).join('');
}

/** In virtual time a difference is one of behaviour: where there is none, nothing is said. */
function changeOf(row: VirtualRow, old: VirtualRow | undefined): string {
  if (old === undefined || lineOf(old) === lineOf(row)) return '';
  const { callsPerSecond, p99, transmissions } = old;
  return `  before: ${callsPerSecond.toFixed(0)}/s, p99 ${p99.toFixed(3)}, ` +
    `sent ${transmissions.toFixed(3)}`;
}

function isSame(left: VirtualRow, right: VirtualRow): boolean {
  return left.question === right.question && left.ground === right.ground &&
    left.step === right.step && left.inFlight === right.inFlight && left.calls === right.calls;
}
