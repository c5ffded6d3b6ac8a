import test from 'ava';
import { createSocket } from 'node:dgram';
import { isConnectorError } from '../../core/errors.ts';
import { SeededRandom } from '../../core/random.ts';
import { SystemClock } from '../../core/system-clock.ts';
import { createEndpoint, type Endpoint } from '../../sessions/endpoint.ts';
import { faulty } from '../../transport/faulty.ts';
import type { Faults } from '../../transport/faults.ts';
import { openUdp, portOf, type UdpOptions } from '../../transport/udp/udp.ts';

const id = { idx: 20, val: 7 };

async function open(options: UdpOptions = {}): Promise<Endpoint> {
  return createEndpoint({ transport: await openUdp(options) });
}

test('calls of any size go both ways over a default socket', async (t) => {
  const server = await open();
  const client = await open();
  server.serve(id, { echo: (input) => input });
  const connection = await client.connect(id, { peer: server.address });
  for (const length of [0, 1, 1400, 16_384, 60_000]) {
    const payload = new Uint8Array(length).fill(length);
    t.deepEqual(await connection.call('echo', payload), payload);
  }
  const many = Array.from({ length: 2000 }, (_, number) => connection.call('echo', number));
  t.deepEqual(await Promise.all(many), many.map((_, number) => number));
  await client.close();
  await server.close();
});

test('what does not fit a frame of Ethernet travels in several', async (t) => {
  const server = await open({ datagramMax: 1_472 });
  const client = await open({ datagramMax: 1_472 });
  server.serve(id, { echo: (input) => input });
  const connection = await client.connect(id, { peer: server.address });
  const payload = Uint8Array.from({ length: 200_000 }, (_, at) => at * 7);
  t.deepEqual(await connection.call('echo', payload), payload);
  await client.close();
  await server.close();
});

test('calls through faults made over udp run exactly once', async (t) => {
  const clock = new SystemClock();
  const random = new SeededRandom(3);
  const faults: Faults = {
    loss: 0.1, duplicate: 0.1, reorder: 0.1, corrupt: 0.05, delayMs: { min: 0, max: 1 },
  };
  const runs = new Map<number, number>();
  const ends = [];
  for (const name of ['server', 'client']) {
    const transport = faulty(await openUdp(), { faults, clock, random: random.fork(name) });
    ends.push({ transport, endpoint: createEndpoint({ transport, clock }) });
  }
  const [server, client] = ends.map(({ endpoint }) => endpoint) as [Endpoint, Endpoint];
  server.serve(id, {
    count: (input) => {
      const number = input as number;
      runs.set(number, (runs.get(number) ?? 0) + 1);
      return -number;
    },
  });
  const connection = await client.connect(id, { peer: server.address });
  const calls = Array.from({ length: 500 }, (_, number) => connection.call('count', number + 1));
  t.deepEqual(await Promise.all(calls), calls.map((_, number) => -number - 1));
  t.is(runs.size, 500);
  t.deepEqual(new Set(runs.values()), new Set([1]));
  const { lost, duplicated, corrupted } = ends[1]!.transport.stats();
  t.true(lost + duplicated + corrupted > 0, 'the faults did happen');
  client.destroy();
  server.destroy();
});

test('a queue of a few kilobytes on both sides loses no call', async (t) => {
  const server = await open({ receiveBuffer: 4608 });
  const client = await open({ receiveBuffer: 4608 });
  server.serve(id, { echo: (input) => input });
  const connection = await client.connect(id, { peer: server.address });
  const calls = Array.from({ length: 1000 }, (_, number) => connection.call('echo', number));
  t.deepEqual(await Promise.all(calls), calls.map((_, number) => number));
  await client.close();
  await server.close();
});

test('what strangers send is counted and changes nothing', async (t) => {
  const server = await open();
  const client = await open();
  server.serve(id, { echo: (input) => input });
  const connection = await client.connect(id, { peer: server.address });
  const stranger = createSocket('udp4');
  const random = new SeededRandom(5);
  const lengths = [0, 1, 19, 20, 63, 64, 200, 1400];
  for (const length of lengths) {
    const noise = Uint8Array.from({ length }, () => random.u32() & 0xff);
    await new Promise((sent) => {
      stranger.send(noise, portOf(server.address), '127.0.0.1', sent);
    });
  }
  t.is(await connection.call('echo', 1), 1);
  const dropped = Object.values(server.stats().dropped).reduce((sum, count) => sum + count, 0);
  t.is(dropped, lengths.length);
  stranger.close();
  await client.close();
  await server.close();
});

test('nobody at the address is a deadline, for UDP does not tell', async (t) => {
  const server = await open();
  const peer = server.address;
  server.destroy();
  const client = await open();
  const error = await t.throwsAsync(client.connect(id, { peer, timeoutMs: 20 }));
  t.true(isConnectorError(error, 'deadline-exceeded'));
  t.like(error, { outcome: 'not-sent' });
  await client.close();
});
