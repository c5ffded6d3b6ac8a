import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { check, load, unload } from './harness.ts';

// The template for a driver of one's own, both sides as they are.

await check('the example talks with its driver', () => {
  load('cnrpc_counters');
  const example = new URL('../../../examples/driver.js', import.meta.url).pathname;
  const said = execFileSync(process.execPath, [example], { encoding: 'utf8' });
  assert.equal(said, 'counter 3 is at 14, after 100 changes\n');
  unload('cnrpc_counters');
});
