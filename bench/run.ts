/** `npm run bench [-- NAME]`: micro benchmarks. Compare lines of one run; the machine is noisy. */
import { reliability } from './micro/reliability.ts';
import { wire } from './micro/wire.ts';
import { runSuite } from './suite.ts';

const suites = { wire, reliability };
const chosen = process.argv.slice(2);
const unknown = chosen.filter((name) => !(name in suites));
if (unknown.length > 0) {
  console.error(
    `no such benchmark: ${unknown.join(', ')}; there are ${Object.keys(suites).join(', ')}`,
  );
  process.exitCode = 2;
} else {
  let failures = 0;
  for (const [name, cases] of Object.entries(suites)) {
    if (chosen.length === 0 || chosen.includes(name)) failures += runSuite(name, cases);
  }
  process.exitCode = failures > 0 ? 1 : 0;
}
