import assert from 'node:assert/strict';
import { counter, Raw, withAgent } from './agent.ts';
import { check } from './harness.ts';

// The module's memory by itself (module/reply_memory.c), told by single messages what to do.

const WINDOW = 8;

await check('the same seq and ack is answered again, with any other ack it is new', async () => {
  await withAgent([`window=${WINDOW}`], async () => {
    const socket = new Raw();
    const first = await socket.ask(5, 100);
    assert.deepEqual(await socket.ask(5, 100), first);
    assert.equal(counter('executed'), 1);
    assert.notDeepEqual(await socket.ask(5, 101), first);
    assert.equal(counter('executed'), 2);
    socket.close();
  });
});

await check('what is a window behind is not executed, also across the wrap of seq', async () => {
  await withAgent([`window=${WINDOW}`], async () => {
    const socket = new Raw();
    const start = 0xffff_fffc;
    for (let i = 0; i <= WINDOW; i++) await socket.ask((start + i) >>> 0, 7);
    assert.equal(counter('executed'), WINDOW + 1);
    assert.equal(await socket.ask(start, 7), undefined);
    assert.equal(counter('refused'), 1);
    const again = await socket.ask((start + 1) >>> 0, 7);
    assert.equal(again?.readBigUInt64LE(), 2n);
    assert.equal(counter('executed'), WINDOW + 1);
    socket.close();
  });
});

await check('a socket has its own memory, freed when it closes; too many are refused', async () => {
  await withAgent([`window=${WINDOW}`, 'requesters=2'], async () => {
    const [one, two, three] = [new Raw(), new Raw(), new Raw()];
    await one.ask(1, 1);
    await two.ask(1, 1);
    assert.equal(counter('executed'), 2);
    assert.equal(await three.ask(1, 1), undefined);
    assert.equal(counter('refused'), 1);
    const { portid } = one;
    one.close();
    assert.notEqual(await three.ask(1, 1), undefined);
    two.close();
    const heir = new Raw(portid); // the address of one that is gone begins with nothing
    await heir.ask(1, 1);
    assert.equal(counter('executed'), 4);
    for (const socket of [three, heir]) socket.close();
  });
});
