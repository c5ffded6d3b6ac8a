import { inFlights, type Question } from './questions.ts';
import type { RealRow } from './real.ts';
import type { VirtualRow } from './virtual.ts';
import { drawPicture, type Line, type Panel } from '../svg.ts';

const PERCENTILES = ['p50', 'p99', 'p999'] as const;

/** What the panels show of a row. */
interface Shown {
  readonly rate: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly transmissions: number;
  readonly datagrams: number;
  readonly held?: number;
}

/** Draws the answers to one question, a row of panels for each ground. */
export function drawVirtual({ name, varies, steps }: Question, all: readonly VirtualRow[]): string {
  const rows = all.filter(({ question }) => question === name);
  const labels = steps.map(({ label }) => label);
  return drawPicture({
    title: `Echo calls of 64 B against ${varies}; virtual time, the reader takes 5 us a request`,
    varies,
    steps: labels,
    rows: [...new Set(rows.map(({ ground }) => ground))].map((ground) => {
      const find = (step: string, inFlight: number): Shown => {
        const row = rows.find((each) => each.ground === ground && each.step === step &&
          each.inFlight === inFlight)!;
        return { ...row, rate: row.callsPerSecond };
      };
      return { heading: ground, panels: panelsOf(labels, find) };
    }),
    ...LEGEND,
  });
}

/** Draws the answers on the real netlink, a row of panels for each reader. */
export function drawReal(rows: readonly RealRow[]): string {
  const labels = [...new Set(rows.map(({ buffer }) => buffer))];
  const readers = [...new Set(rows.map(({ lateMs }) => lateMs))];
  return drawPicture({
    title: 'Echo calls of 64 B over the real netlink, two processes',
    varies: 'receive buffer, bytes of truesize',
    steps: labels,
    rows: readers.map((lateMs) => {
      const find = (buffer: string, inFlight: number): Shown => {
        const row = rows.find((each) => each.lateMs === lateMs && each.buffer === buffer &&
          each.inFlight === inFlight)!;
        return { ...row, rate: row.callsPerSecond.median };
      };
      const heading = lateMs === 0
        ? 'a server that reads at once'
        : `a server whose event loop is blocked for ${lateMs} ms after each batch`;
      return { heading, panels: panelsOf(labels, find) };
    }),
    ...LEGEND,
  });
}

const LEGEND = {
  colours: inFlights.map((count) => `${count} in flight`),
  styles: ['p50, or the only line', 'p99', 'p99.9'],
};

function panelsOf(
  steps: readonly string[],
  find: (step: string, inFlight: number) => Shown,
): Panel[] {
  const lines = (pick: (shown: Shown) => number, style: Line['style'] = 0): Line[] =>
    inFlights.map((inFlight, at) => ({
      colour: at as Line['colour'],
      style,
      values: steps.map((step) => pick(find(step, inFlight))),
    }));
  const panels: Panel[] = [
    { title: 'calls a second', logarithmic: true, lines: lines(({ rate }) => rate) },
    {
      title: 'latency, ms',
      logarithmic: true,
      lines: PERCENTILES.flatMap((name, style) =>
        lines((shown) => shown[name], style as Line['style'])),
    },
    {
      title: 'requests and replies sent for a call',
      logarithmic: false,
      lines: lines(({ transmissions }) => transmissions),
    },
    {
      title: 'datagrams for a call',
      logarithmic: true,
      lines: lines(({ datagrams }) => datagrams),
    },
  ];
  if (find(steps[0]!, inFlights[0]!).held !== undefined) {
    panels.push({
      title: 'requests held by the server, at most',
      logarithmic: true,
      lines: lines(({ held }) => held!),
    });
  }
  return panels;
}
