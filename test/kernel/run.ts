import { mkdirSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Unavailable } from './command.ts';
import { guestTests, type GuestTest } from './guest/list.ts';
import { writeImage } from './image.ts';
import { boot } from './machine.ts';
import { buildModules, collectModules } from './modules.ts';
import { fetchBusybox, fetchKernel, installTools, kernelReleases } from './packages.ts';
import { Tally } from './tally.ts';
import { extractVmlinux } from './vmlinux.ts';

// Boots stock Debian kernels in an emulator and runs the guest's tests in each. Ends with a line
// that counts. Exit codes: 0 all passed, 1 not so, 2 misuse, 77 not to be had on this machine.
//   npm run test:kernel [-- --kernel PART --test FILE --cache DIR]

const UNAVAILABLE = 77;
/** To boot, and to end: added to what the tests may take. */
const BOOT_MS = 60_000;

const started = performance.now();

function tell(line: string): void {
  const seconds = ((performance.now() - started) / 1000).toFixed(1).padStart(6);
  process.stdout.write(`${seconds} s  ${line}\n`);
}

/** Boots one kernel with the tests; gives how many passed and failed. */
async function testKernel(
  release: string,
  cache: string,
  busybox: string,
  tests: readonly GuestTest[],
): Promise<Tally> {
  const folder = join(cache, release);
  const system = await fetchKernel(cache, release, tell);
  const own = await buildModules(system, release, join(folder, 'build'), tell);
  const modules = await collectModules(system, own);
  const [vmlinuz] = readdirSync(join(system, 'boot')).filter((name) => name.startsWith('vmlinuz'));
  const kernel = join(folder, 'vmlinux');
  await extractVmlinux(join(system, 'boot', vmlinuz!), kernel);
  const image = join(folder, 'image.cpio');
  await writeImage(image, { release, busybox, modules, tests });
  const seconds = tests.reduce((sum, test) => sum + test.seconds, 0);
  const limitMs = BOOT_MS + seconds * 1000;
  const log = join(folder, 'console.log');
  const [name] = /^\d+\.\d+/.exec(release) ?? [release];
  tell(`boots ${release}`);
  const tally = new Tally(tests);
  const inTime = await boot({ kernel, image, log, limitMs }, (line) => {
    const shown = line.startsWith('guest ') ? line : tally.line(line);
    if (shown !== undefined) tell(`${name} ${shown}`);
  });
  for (const file of tally.over()) tell(`${name} NOT OK ${file}: never ended`);
  if (!inTime) tell(`${name} was killed after ${limitMs / 1000} s`);
  tell(`${release}: ${tally.passed} passed, ${tally.failed} failed (${log})`);
  return tally;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      kernel: { type: 'string', multiple: true },
      test: { type: 'string', multiple: true },
      cache: { type: 'string' },
    },
  });
  const base = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  const cache = values.cache ?? join(base, 'connector-rpc-kernel');
  const tests = guestTests.filter(({ file }) => values.test?.includes(file) ?? true);
  if (tests.length === 0) throw new TypeError('no guest test has such a name');
  mkdirSync(cache, { recursive: true });
  await installTools(tell);
  const known = await kernelReleases();
  const releases = known.filter(
    (each) => values.kernel?.some((part) => each.includes(part)) ?? true,
  );
  if (releases.length === 0) throw new TypeError(`no such kernel; there are: ${known.join(' ')}`);
  if (known.length < 2) tell('the packages give no second kernel');
  const busybox = await fetchBusybox(cache);
  // Side by side: a guest is busy on one processor most of the time.
  const runs = releases.map((release, index) => {
    const ends = { first: index === 0, last: index === releases.length - 1 };
    const own = tests.filter(({ only }) => only === undefined || ends[only]);
    return testKernel(release, cache, busybox, own);
  });
  await Promise.allSettled(runs);
  const tallies = await Promise.all(runs);
  const passed = tallies.reduce((sum, tally) => sum + tally.passed, 0);
  const failed = tallies.reduce((sum, tally) => sum + tally.failed, 0);
  process.stdout.write(`${passed} passed, ${failed} failed\n`);
  return failed === 0 && passed > 0 ? 0 : 1;
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
try {
  process.exitCode = await main();
} catch (error) {
  const { message } = error as Error;
  process.exitCode =
    error instanceof Unavailable ? UNAVAILABLE : error instanceof TypeError ? 2 : 1;
  const what = error instanceof Unavailable ? 'not run: ' : '';
  process.stderr.write(`${what}${message}\n`);
}
