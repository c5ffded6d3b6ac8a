/** One side of a contestant, in a process of its own: `peer.js serve|connect MODULE PLACE`. */
import {
  measure, type Contestant, type Load, type Place, type Score, type Sent,
} from './contestant.ts';

const [role, module, where] = process.argv.slice(2) as [string, string, string];
const { serve, connect, sent } = (await import(module)) as Contestant;
const place = JSON.parse(where) as Place;

process.on('disconnect', () => process.exit());
if (role === 'serve') {
  await serve(place);
} else {
  const echo = await connect(place);
  process.on('message', (load: Load) => {
    void scoreOf(load).then((score) => process.send?.(score));
  });

  const scoreOf = async (load: Load): Promise<Score> => {
    const before = await sent?.();
    const score = await measure(echo, load);
    const after = await sent?.();
    return before && after ? { ...score, sent: between(before, after) } : score;
  };
}
process.send?.('ready');

function between(before: Sent, after: Sent): Sent {
  return {
    transmissions: after.transmissions - before.transmissions,
    datagrams: after.datagrams - before.datagrams,
    drops: after.drops - before.drops,
  };
}
