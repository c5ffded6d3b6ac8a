/** One side of a contestant, in a process of its own: `peer.js serve|connect MODULE PLACE`. */
import { measure, type Contestant, type Load, type Place } from './contestant.ts';

const [role, module, where] = process.argv.slice(2) as [string, string, string];
const { serve, connect } = (await import(module)) as Contestant;
const place = JSON.parse(where) as Place;

process.on('disconnect', () => process.exit());
if (role === 'serve') {
  await serve(place);
} else {
  const echo = await connect(place);
  process.on('message', (load: Load) => {
    void measure(echo, load).then((score) => process.send?.(score));
  });
}
process.send?.('ready');
