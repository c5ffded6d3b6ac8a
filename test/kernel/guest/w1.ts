import assert from 'node:assert/strict';
import { check, load, note, unload, until } from './harness.ts';
import { W1, W1_GROUP, type W1Event } from '../../../agents/w1/w1.ts';
import { ConnectorError, createEndpoint } from '../../../index.ts';
import { openNetlink } from '../../../transport/netlink/netlink.ts';

// agents/w1 against the real w1 and a bus in software (test/kernel/module/cnrpc_w1.c).

const FIRST = '01-0000cafe0001';
const SECOND = '01-0000cafe0002';
const MATCH = { skip: 0xcc, write: 0x4e, read: 0xbe };
const PAD = 16;

load('wire');
const transport = openNetlink({ protocol: 'connector', groups: [W1_GROUP] });
const endpoint = createEndpoint({ transport });
const w1 = new W1(endpoint);
const stop = new AbortController();
const events: W1Event[] = [];
const heard = (async (): Promise<void> => {
  for await (const event of w1.events({ signal: stop.signal })) events.push(event);
})();
let master = 0;

/** Waits for an event: what was heard with an answer may reach its consumer after it. */
function told(which: (event: W1Event) => boolean): Promise<void> {
  return until(() => events.some(which));
}

async function fails(promise: Promise<unknown>, outcome: string, text: RegExp): Promise<void> {
  await assert.rejects(promise, (error) => {
    assert.ok(error instanceof ConnectorError, `${error}`);
    assert.equal(error.outcome, outcome);
    assert.match(error.message, text);
    return true;
  });
}

function pattern(seed: number): Uint8Array {
  return Uint8Array.from({ length: PAD }, (_, index) => (seed + 31 * index) & 0xff);
}

await check('without a master the list is empty, and a command is refused', async () => {
  assert.deepEqual(await w1.masters(), []);
  await fails(w1.reset(1), 'not-executed', /ENODEV/);
});

await check('a master that comes is announced and listed', async () => {
  load('cnrpc_w1');
  const masters = await w1.masters();
  assert.equal(masters.length, 1);
  master = masters[0]!;
  await told((event) => event.kind === 'master-added' && event.master === master);
});

await check('a search finds the slaves, the alarm search the one with an alarm', async () => {
  assert.deepEqual((await w1.search(master)).sort(), [FIRST, SECOND]);
  assert.deepEqual(await w1.alarmSearch(master), [SECOND]);
  assert.deepEqual((await w1.slaves(master)).sort(), [FIRST, SECOND]);
  for (const slave of [FIRST, SECOND]) {
    await told((event) => event.kind === 'slave-added' && event.slave === slave);
  }
});

await check('reset, write, read and touch do what they say', async () => {
  assert.equal(await w1.reset(master), true);
  for (const [slave, seed] of [
    [FIRST, 1],
    [SECOND, 2],
  ] as const) {
    await w1.write({ slave }, Uint8Array.of(MATCH.write, ...pattern(seed)));
  }
  for (const [slave, seed] of [
    [FIRST, 1],
    [SECOND, 2],
  ] as const) {
    const [, read] = await w1.run({ slave }, [
      { kind: 'write', data: Uint8Array.of(MATCH.read) },
      { kind: 'read', length: PAD },
    ]);
    assert.deepEqual(read!.data, pattern(seed));
    const slots = new Uint8Array(PAD + 1).fill(0xff).fill(MATCH.read, 0, 1);
    assert.deepEqual((await w1.touch({ slave }, slots)).subarray(1), pattern(seed));
  }
});

await check('many commands of one request all run, in their order', async () => {
  const commands = Array.from({ length: 16 }, (_, round) => [
    { kind: 'reset' } as const,
    { kind: 'write', data: Uint8Array.of(MATCH.skip, MATCH.write, round, 7, 9) } as const,
    { kind: 'reset' } as const,
    { kind: 'touch', data: Uint8Array.of(MATCH.skip, MATCH.read, 0xff, 0xff, 0xff) } as const,
  ]).flat();
  const results = await w1.run({ master }, commands);
  assert.equal(results.length, 64);
  assert.ok(results.every(({ status }) => status === 0));
  const read = results.filter(({ kind }) => kind === 'touch').map(({ data }) => [...data]);
  assert.deepEqual(
    read,
    read.map((_, round) => [MATCH.skip, MATCH.read, round, 7, 9]),
  );
});

await check('slaves are added and removed, and a mistake is told with its errno', async () => {
  const ghost = '01-00000000beef';
  await w1.addSlave(master, ghost);
  assert.ok((await w1.slaves(master)).includes(ghost));
  await fails(w1.addSlave(master, ghost), 'executed', /EINVAL/);
  await w1.removeSlave(master, ghost);
  await told((event) => event.kind === 'slave-removed' && event.slave === ghost);
  await fails(w1.read({ slave: ghost }, 1), 'not-executed', /ENODEV/);
});

await check('800 requests at once are answered, where 277 unread ones would hang', async () => {
  const lists = await Promise.all(Array.from({ length: 400 }, () => w1.masters()));
  assert.ok(lists.every(([only]) => only === master));
  const resets = await Promise.all(Array.from({ length: 400 }, () => w1.reset(master)));
  assert.ok(resets.every(Boolean));
});

await check('in the smallest of receive queues every request is answered, too', async () => {
  const tight = createEndpoint({
    transport: openNetlink({ protocol: 'connector', receiveBuffer: 1 }),
  });
  const client = new W1(tight);
  for (let round = 0; round < 15; round++) {
    assert.deepEqual(await client.masters(), [master]);
    const commands = Array.from({ length: 64 }, () => ({ kind: 'reset' }) as const);
    assert.equal((await client.run({ master }, commands)).length, 64);
  }
  note(`drops: ${tight.stats().overrun}`);
  await tight.close();
});

await check('a master that goes is announced', async () => {
  unload('cnrpc_w1');
  assert.deepEqual(await w1.masters(), []);
  await told((event) => event.kind === 'master-removed' && event.master === master);
  assert.ok(events.every((event) => event.kind !== 'lost'));
});

stop.abort();
await heard;
await endpoint.close();
