import { parseArgs } from 'node:util';
import { crash, faults, summary } from './crash.ts';
import { required } from '../../core/errors.ts';

// Kills and restarts a server and its clients on the real netlink, and compares what was told with
// what was run. Exit code 1: something was wrong.
//   npm run crash [-- --kills N --clients N --seed S]

function whole(text: string, name: string): number {
  const number = Number(text);
  required(Number.isSafeInteger(number) && number > 0, `--${name} is a whole number from 1 up`);
  return number;
}

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '2000' },
    clients: { type: 'string', default: '3' },
    seed: { type: 'string', default: '1' },
  },
});
const plan = {
  kills: whole(values.kills, 'kills'),
  clients: whole(values.clients, 'clients'),
  seed: whole(values.seed, 'seed'),
};
const result = await crash(plan);
process.stdout.write(`${summary(plan, result)}\n`);
process.exitCode = faults(result).length === 0 ? 0 : 1;
