import test from 'ava';
import { Wiretap } from './wiretap.ts';
import { deferred, ID, World } from './world.ts';
import { ConnectorError, createEndpoint, SeededRandom } from '../../index.ts';
import { LITTLE_ENDIAN, Slab } from '../../core/slab.ts';
import type { Sink } from '../../transport/transport.ts';
import { CN_MSG_HEADER, cnMsgAck, cnMsgFlags, cnMsgLength } from '../../transport/wire/cnmsg.ts';
import * as frame from '../../transport/wire/frame.ts';

function tapped(
  world: World,
  address: number,
): {
  readonly tap: Wiretap;
  readonly endpoint: ReturnType<typeof createEndpoint>;
} {
  const tap = new Wiretap(world.network.open({ address }));
  const random = new SeededRandom(address);
  return { tap, endpoint: createEndpoint({ transport: tap, clock: world.clock, random }) };
}

const silent: Sink = { receive: () => {}, overrun: () => {}, received: () => {}, failed: () => {} };

function kindOf(datagram: Uint8Array): number {
  return new Slab(datagram).view.getUint16(frame.ENVELOPE_CN + 18, LITTLE_ENDIAN);
}

test('a session replayed from the same address runs nothing (P5.3)', async (t) => {
  const world = new World();
  await world.run(async () => {
    let executions = 0;
    const server = world.endpoint(100);
    server.serve(ID, { count: () => (executions += 1) });
    const { tap, endpoint } = tapped(world, 200);
    const connection = await endpoint.connect(ID, { peer: 100 });
    for (let call = 0; call < 20; call++) await connection.call('count');
    // While the session is open: every one is recognised as a copy.
    const copies = tap.sent.length;
    for (const datagram of [...tap.sent]) {
      tap.send(new Slab(datagram), 0, datagram.length, 100);
    }
    await world.sleep(5);
    t.is(executions, 20);
    t.true(server.stats().dropped['duplicate-datagram'] >= 20, `of ${copies} copies`);
    t.is(await connection.call('count'), 21, 'and the session goes on');
    await endpoint.close();
    // After it: nothing opens, nothing runs.
    const ghost = world.network.open({ address: 200 });
    ghost.start(silent);
    for (const datagram of tap.sent) ghost.send(new Slab(datagram), 0, datagram.length, 100);
    await world.sleep(5);
    t.is(executions, 21);
    t.is(server.stats().sessions, 0);
    ghost.close();
    await server.close();
  });
  t.is(await world.timersLeft(), 0);
});

test('an old OPEN does not end the session of the living incarnation (P4.5)', async (t) => {
  const world = new World();
  await world.run(async () => {
    const server = world.endpoint(100);
    server.serve(ID, { ping: () => 'pong' });
    const old = tapped(world, 200);
    await (await old.endpoint.connect(ID, { peer: 100 })).call('ping');
    old.endpoint.destroy();
    const { tap, endpoint } = tapped(world, 200);
    const connection = await endpoint.connect(ID, { peer: 100 });
    t.is(await connection.call('ping'), 'pong');
    for (const datagram of old.tap.sent) tap.send(new Slab(datagram), 0, datagram.length, 100);
    await world.sleep(5);
    t.is(await connection.call('ping'), 'pong');
    t.is(server.stats().sessions, 1);
    await endpoint.close();
    await server.close();
  });
});

test('a RESET ends a session only if it shows its tag (P4.7)', async (t) => {
  const world = new World();
  await world.run(async () => {
    const gate = deferred();
    const { tap, endpoint: server } = tapped(world, 100);
    server.serve(ID, { wait: () => gate.promise });
    const client = world.endpoint(200);
    const connection = await client.connect(ID, { peer: 100 });
    const call = connection.call('wait');
    await world.sleep(5);
    // What the server would say: made from its own OPENED, but without the tag of the session.
    const forged = tap.sent.find((datagram) => kindOf(datagram) === frame.OPENED)!.slice(0, 64);
    const slab = new Slab(forged);
    slab.view.setUint32(0, 64, LITTLE_ENDIAN);
    slab.view.setUint16(frame.ENVELOPE_CN + 16, 64 - frame.ENVELOPE, LITTLE_ENDIAN);
    slab.view.setUint16(frame.ENVELOPE_CN + 18, frame.RESET, LITTLE_ENDIAN);
    tap.send(slab, 0, 64, 200);
    await world.sleep(5);
    t.is(client.stats().dropped['wrong-tag'], 1);
    gate.resolve();
    await call;
    await client.close();
    await server.close();
  });
});

test('any byte may be anything: nothing throws, each datagram is counted once', async (t) => {
  const world = new World();
  await world.run(async () => {
    const server = world.endpoint(100);
    server.serve(ID, { ping: () => 'pong' });
    const { tap, endpoint } = tapped(world, 200);
    const connection = await endpoint.connect(ID, { peer: 100 });
    for (let call = 0; call < 5; call++) await connection.call('ping');
    await world.sleep(5); // the last acknowledgement has come
    const seeds = tap.sent.slice();
    const hostile = world.network.open({ address: 300 });
    hostile.start(silent);
    const random = new SeededRandom(9);
    const before = server.stats();
    let sent = 0;
    for (let round = 0; round < 5_000; round++) {
      const bytes = seeds[random.integer(0, seeds.length - 1)]!.slice();
      const flips = random.integer(0, 4);
      for (let flip = 0; flip < flips; flip++) {
        bytes[random.integer(0, bytes.length - 1)] = random.integer(0, 255);
      }
      const length = random.chance(0.2) ? random.integer(1, bytes.length) : bytes.length;
      if (hostile.send(new Slab(bytes), 0, length, 100) === 'sent') sent += 1;
      if (round % 50 === 0) await world.sleep(1);
    }
    await world.sleep(5);
    const after = server.stats();
    t.is(after.datagramsReceived - before.datagramsReceived, sent);
    const dropped = (stats: typeof after): number =>
      Object.values(stats.dropped).reduce((sum, count) => sum + count, 0);
    t.true(dropped(after) - dropped(before) <= sent);
    t.true(after.sessions <= 1 + 64, `${after.sessions} sessions`);
    t.is(await connection.call('ping'), 'pong');
    hostile.close();
    await endpoint.close();
    server.destroy();
  });
});

test('a flood of OPEN makes no session and does not keep others out', async (t) => {
  const world = new World();
  await world.run(async () => {
    const server = world.endpoint(100, { halfOpenMax: 32 });
    server.serve(ID, { ping: () => 'pong' });
    const { tap, endpoint } = tapped(world, 200);
    await endpoint.connect(ID, { peer: 100 });
    const open = tap.sent.find((datagram) => kindOf(datagram) === frame.OPEN)!;
    const hostile = world.network.open({ address: 300 });
    hostile.start(silent);
    for (let source = 0; source < 1_000; source++) {
      const slab = new Slab(open.slice());
      slab.view.setUint32(frame.AT_SOURCE, source, LITTLE_ENDIAN);
      hostile.send(slab, 0, slab.bytes.length, 100);
      if (source % 100 === 0) await world.sleep(1);
    }
    t.is(server.stats().sessions, 1);
    const client = world.endpoint(201);
    const connection = await client.connect(ID, { peer: 100 });
    t.is(await connection.call('ping'), 'pong');
    hostile.close();
    await client.close();
    await endpoint.close();
    await server.close();
  });
});

test('an idle session has no timer and sends nothing', async (t) => {
  const world = new World({ faults: { delayMs: { min: 1, max: 1 } } });
  await world.run(async () => {
    const server = world.endpoint(100);
    server.serve(ID, { ping: () => 'pong' });
    const client = world.endpoint(200);
    const connection = await client.connect(ID, { peer: 100 });
    for (let call = 0; call < 10; call++) await connection.call('ping');
    await world.sleep(40_000); // longer than any deadline
    const before = world.network.stats().datagrams;
    t.is(world.clock.pending, 0, 'only this test is awake');
    await world.sleep(600_000);
    t.is(world.network.stats().datagrams, before);
    t.is(await connection.call('ping'), 'pong');
    await client.close();
    await server.close();
  });
});

test('memory runs short and queues overflow: calls take longer and none is lost', async (t) => {
  for (let seed = 1; seed <= 10; seed++) {
    const world = new World({
      seed,
      memory: 'severe',
      faults: { delayMs: { min: 0.1, max: 0.5 }, loss: 0.05 },
    });
    await world.run(async () => {
      const executed = new Set<number>();
      const server = world.endpoint(100, {}, 4_608);
      server.serve(ID, {
        note: (input) => {
          t.false(executed.has(Number(input)), `${String(input)} runs once`);
          executed.add(Number(input));
          return input;
        },
      });
      const clients = [201, 202, 203].map((address) => world.endpoint(address, {}, 4_608));
      const calls = clients.map(async (client, which) => {
        const connection = await client.connect(ID, { peer: 100 });
        const numbers = Array.from({ length: 200 }, (_value, index) => 1000 * which + index);
        const replies = await Promise.all(numbers.map((value) => connection.call('note', value)));
        t.deepEqual(replies, numbers);
      });
      await Promise.all(calls);
      t.is(executed.size, 600);
      for (const client of clients) await client.close();
      await server.close();
    });
    t.is(await world.timersLeft(), 0);
  }
});

test('a call past its time is not started', async (t) => {
  const world = new World({ faults: { delayMs: { min: 0.5, max: 0.5 } } });
  await world.run(async () => {
    const gate = deferred();
    const ran: unknown[] = [];
    const server = world.endpoint(100);
    server.serve(ID, { wait: () => gate.promise, note: (input) => ran.push(input) });
    const client = world.endpoint(200);
    const connection = await client.connect(ID, { peer: 100 });
    const first = connection.call('wait', undefined, { channel: 'a' });
    const late = connection.call('note', 'late', { channel: 'a', timeoutMs: 10 });
    const error = await t.throwsAsync(late, { instanceOf: ConnectorError });
    t.is(error.code, 'deadline-exceeded');
    await world.sleep(10);
    gate.resolve();
    await first;
    await connection.call('note', 'next', { channel: 'a' });
    t.deepEqual(ran, ['next']);
    await client.close();
    await server.close();
  });
});

test('a reply with another ack than expected settles nothing (P6.5)', async (t) => {
  const world = new World();
  await world.run(async () => {
    const { tap, endpoint: server } = tapped(world, 100);
    server.serve(ID, { ping: () => 'pong' });
    const client = world.endpoint(200);
    const connection = await client.connect(ID, { peer: 100 });
    tap.alter = ({ view, bytes }) => {
      const ack = frame.DATA_BITMAP + 12;
      if (bytes.length > ack) view.setUint32(ack, view.getUint32(ack, true) ^ 4, true);
    };
    const call = connection.call('ping', undefined, { timeoutMs: 50 });
    await t.throwsAsync(call, { message: /deadline-exceeded/ });
    t.true(client.stats().unmatchedReplies >= 1);
    tap.alter = undefined;
    t.is(await connection.call('ping'), 'pong');
    await client.close();
    await server.close();
  });
});

test('pieces with another ack than expected are no part of a reply (P6.5)', async (t) => {
  const world = new World();
  await world.run(async () => {
    const { tap, endpoint: server } = tapped(world, 100);
    server.serve(ID, { make: () => new Uint8Array(100_000) });
    const client = world.endpoint(200);
    const connection = await client.connect(ID, { peer: 100 });
    let altered = 0;
    tap.alter = (slab) => {
      for (let at: number = frame.ENVELOPE_CN; at + CN_MSG_HEADER <= slab.bytes.length;) {
        if (cnMsgFlags(slab, at) === frame.REPLY_PIECE) {
          slab.view.setUint32(at + 12, cnMsgAck(slab, at) ^ 4, LITTLE_ENDIAN);
          altered += 1;
        }
        at += CN_MSG_HEADER + ((cnMsgLength(slab, at) + 3) & ~3);
      }
    };
    const call = connection.call('make', undefined, { timeoutMs: 50 });
    await t.throwsAsync(call, { message: /deadline-exceeded/ });
    t.true(altered > 0);
    tap.alter = undefined;
    t.deepEqual(await connection.call('make'), new Uint8Array(100_000));
    await client.close();
    await server.close();
  });
});

test('calls beyond the window of seq wait for it, and none is left out (P6.3)', async (t) => {
  const faults = { delayMs: { min: 0.1, max: 2 }, loss: 0.2 };
  const world = new World({ faults, seed: 5 });
  await world.run(async () => {
    const server = world.endpoint(100, { seqWindow: 64 });
    server.serve(ID, { echo: (input) => input });
    const client = world.endpoint(200);
    const connection = await client.connect(ID, { peer: 100 });
    const numbers = Array.from({ length: 1_000 }, (_value, index) => index);
    const replies = await Promise.all(numbers.map((value) => connection.call('echo', value)));
    t.deepEqual(replies, numbers);
    await client.close();
    await server.close();
  });
});
