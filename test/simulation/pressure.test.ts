import test from 'ava';
import { isAccepted } from './accepted.ts';
import { inFlights, questions } from '../../bench/pressure/questions.ts';
import { answer, virtualLines } from '../../bench/pressure/virtual.ts';

// What memory pressure, small buffers and loss cost, in virtual time: a part of what `npm run bench
// -- pressure` measures, with fewer calls. Nothing here depends on the machine: a change of the
// text is a change of behaviour, for better or worse, which `npm run golden` accepts.

/** The steps that are run here; the bench runs them all. */
const STEPS: Readonly<Record<string, readonly string[]>> = {
  memory: ['0', '10', '30', '50'],
  buffer: ['2304', '16 KiB', '212992', '4 MiB'],
  loss: ['0', '5', '20'],
};

/** Of each cell: enough for a stable p99, and a second or so for the whole table. */
const CALLS: Readonly<Record<number, number>> = { 1: 1_000, 64: 3_200, 1024: 5_120 };

const HEAD = [
  'Echo calls of 64 bytes in virtual time; the server reads nothing for 5 us after each request.',
  'sent: requests and replies sent for each call, 2 where nothing is sent again. dgrams: datagrams',
  'for each call, both ways. held: the most requests that the server held at a time, waiting,',
  'running or with a reply not acknowledged. overruns: datagrams that found a full queue.',
];

test('under pressure nothing has changed: the accepted table', async (t) => {
  t.timeout(120_000);
  const lines = [...HEAD];
  t.deepEqual(Object.keys(CALLS).map(Number), inFlights);
  for (const question of questions) {
    const chosen = STEPS[question.name]!;
    const steps = question.steps.filter(({ label }) => chosen.includes(label));
    t.is(steps.length, chosen.length, `the steps of ${question.name}`);
    const part = { ...question, steps };
    lines.push(...virtualLines(part, await answer(part, (inFlight) => CALLS[inFlight]!)));
  }
  isAccepted(t, 'pressure.txt', `${lines.join('\n')}\n`);
});
