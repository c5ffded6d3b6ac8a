import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { check } from './harness.ts';

// The last: what the kernel itself has to say about the tests before.

await check('the kernel logged no warning, no bug and no hung task', () => {
  const log = execFileSync('dmesg', { encoding: 'utf8' });
  const complaints = /WARNING:|BUG:|Oops|Call Trace|blocked for more than|page allocation failure/;
  assert.deepEqual(
    log.split('\n').filter((line) => complaints.test(line)),
    [],
  );
});
