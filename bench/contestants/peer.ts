/** One side of a contestant, in a process of its own: `peer.js serve|connect MODULE PLACE`. */
import type { Client, Contestant, Place, Server } from './contestant.ts';
import { measure } from './measure.ts';
import { population } from './population.ts';
import type { Question, Weight } from './questions.ts';

const [role, module, where] = process.argv.slice(2) as [string, string, string];
const contestant = (await import(module)) as Contestant;
const place = JSON.parse(where) as Place;

process.on('disconnect', () => process.exit());
let side: Client & Server =
  role === 'serve' ? ((await contestant.serve(place)) ?? {}) : await contestant.connect(place);
process.on('message', (question: Question) => {
  void answer(question).then((answered) => process.send?.({ answered }));
});
process.send?.('ready');

async function answer(question: Question): Promise<unknown> {
  switch (question.kind) {
    case 'measure':
      return measure(side, question.load);
    case 'fill':
      return side.fill!(question.count);
    case 'dial':
      side = await contestant.connect(place);
      return undefined;
    case 'weigh':
      return weigh();
    case 'objects':
      return population();
    case 'tables':
      return side.tables?.() ?? {};
  }
}

/** Collects twice: what a first collection finalises, the second frees. */
async function weigh(): Promise<Weight> {
  for (let time = 0; time < 2; time++) {
    globalThis.gc?.();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, external, arrayBuffers, rss } = process.memoryUsage();
  // Node counts array buffers as external, too.
  return { heapUsed, external: external - arrayBuffers, arrayBuffers, rss };
}
