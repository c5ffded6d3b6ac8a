import test from 'ava';
import type { ExecutionContext } from 'ava';
import { execFile, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { packageRoot } from '../package-root.ts';
import { createEndpoint, isConnectorError } from '../../index.ts';
import { openNetlink } from '../../transport/netlink/netlink.ts';

const run = promisify(execFile);
const SCRIPT = join(packageRoot, 'dist/test/integration/peers/events.js');
/** A user and network namespace of our own: there we may join groups, whoever we are. */
const UNSHARE = ['-U', '-r', '-n'];

/** Runs a story in a namespace; undefined, with the reason in the log, where there is none. */
async function story(
  t: ExecutionContext,
  name: string,
): Promise<Record<string, unknown> | undefined> {
  const probe = spawnSync('unshare', [...UNSHARE, 'true'], { encoding: 'utf8' });
  if (probe.status !== 0) {
    t.log(`skipped: no namespace (${probe.stderr ?? String(probe.error)})`);
    t.pass();
    return undefined;
  }
  t.timeout(60_000);
  const { stdout } = await run('unshare', [...UNSHARE, process.execPath, SCRIPT, name]);
  return JSON.parse(stdout) as Record<string, unknown>;
}

test('the gaps of a flooded subscriber are what the kernel dropped (P10.4)', async (t) => {
  const seen = await story(t, 'flood');
  if (seen === undefined) return;
  t.log(JSON.stringify(seen));
  t.is(seen['wrong'], 0);
  t.is(Number(seen['received']) + Number(seen['missed']), 3000);
  t.true(Number(seen['missed']) > 2000);
  t.is(Number(seen['missed']) + Number(seen['beaconsLost']), Number(seen['drops']));
  t.true(Number(seen['beaconsLost']) <= 6, 'all others held one event each');
});

test('over a netlink made bad every event is given or missed (P10.4, P10.5)', async (t) => {
  const seen = await story(t, 'badly');
  if (seen === undefined) return;
  t.log(JSON.stringify(seen));
  t.is(seen['wrong'], 0);
  t.is(Number(seen['received']) + Number(seen['missed']), 2000);
  for (const what of ['missed', 'checksum', 'stale']) t.true(Number(seen[what]) > 20, what);
});

test('a publisher killed in the middle leaves an end that is unknown (P10.10)', async (t) => {
  const seen = await story(t, 'kill');
  if (seen === undefined) return;
  t.log(JSON.stringify(seen));
  t.is(seen['wrong'], 0);
  t.true(Number(seen['at']) >= 200);
  t.like(seen['last'], { kind: 'gap', missed: 'unknown', reason: 'gone' });
});

test('who may not join a group is refused at once, and may publish all the same', async (t) => {
  let transport;
  try {
    transport = openNetlink();
  } catch (error) {
    if (!isConnectorError(error, 'unavailable')) throw error;
    t.log(`skipped: ${error.message}`);
    t.pass();
    return;
  }
  const endpoint = createEndpoint({ transport });
  const id = { idx: 22, val: process.pid };
  try {
    endpoint.subscribe(id).close();
    t.log('this process may join groups');
  } catch (error) {
    t.true(isConnectorError(error, 'refused'), String(error));
  }
  t.is(await endpoint.publisher(id).publish('t', 1), 1);
  t.is(endpoint.stats().subscriptions, 0);
  await endpoint.close();
});
