import test from 'ava';
import { Mortal } from './mortal.ts';
import { World } from './world.ts';
import { createEndpoint, SeededRandom } from '../../index.ts';
import type { Endpoint, EventItem, Subscription } from '../../index.ts';
import { Slab } from '../../core/slab.ts';
import * as frame from '../../transport/wire/frame.ts';
import type { SendOutcome } from '../../transport/transport.ts';

const ID = { idx: 7, val: 1 };

/** Reads a subscription to its end. */
function reader(subscription: Subscription): EventItem[] {
  const items: EventItem[] = [];
  void (async () => {
    for await (const item of subscription) items.push(item);
  })();
  return items;
}

/** A transport that loses those multicasts that a script names. */
class Lossy extends Mortal {
  loses: (isBeacon: boolean) => boolean = () => false;

  override multicast(slab: Slab, start: number, end: number, group: number): SendOutcome {
    const beacon = end - start === frame.EVENT_LENGTH;
    return this.loses(beacon) ? 'sent' : super.multicast(slab, start, end, group);
  }
}

let starts = 0;

function publisherAt(world: World, address: number): { wire: Lossy; endpoint: Endpoint } {
  const wire = new Lossy(world.network.open({ address }));
  const random = new SeededRandom((starts += 1));
  return { wire, endpoint: createEndpoint({ transport: wire, clock: world.clock, random }) };
}

const ONE_MS = { delayMs: { min: 1, max: 1 } };

test('a lost last event is reported with the first beacon that comes (P10.7)', async (t) => {
  const world = new World({ faults: ONE_MS });
  await world.run(async () => {
    const subscriber = world.endpoint(100);
    const items = reader(subscriber.subscribe(ID));
    const { wire, endpoint } = publisherAt(world, 200);
    const publisher = endpoint.publisher(ID);
    await publisher.publish('t', 1);
    wire.loses = (beacon) => !beacon;
    await publisher.publish('t', 2);
    await world.sleep(9); // the round trip is expected to take 3 ms: the first beacon comes at 7
    t.deepEqual(
      items.map((item) => (item.kind === 'event' ? item.number : item.missed)),
      [1, 1],
    );
    t.like(items[1], { kind: 'gap', sender: 200, missed: 1, next: 3, reason: 'lost' });
    await Promise.all([subscriber.close(), endpoint.close()]);
  });
  t.is(await world.timersLeft(), 0);
});

test('an overrun is exact within a round trip, although no beacon comes (P10.9)', async (t) => {
  const world = new World({ faults: ONE_MS });
  await world.run(async () => {
    const subscriber = world.endpoint(100, {}, 8 * 832);
    const items = reader(subscriber.subscribe(ID));
    const { wire, endpoint } = publisherAt(world, 200);
    const publisher = endpoint.publisher(ID);
    wire.loses = (beacon) => beacon;
    for (let count = 0; count < 50; count++) {
      void publisher.publish('t', count);
      await publisher.publish('t', count); // two share a datagram
    }
    await world.sleep(4);
    const missed = items.reduce(
      (sum, item) => sum + (item.kind === 'gap' ? Number(item.missed) : 0),
      0,
    );
    const heard = items.filter(({ kind }) => kind === 'event').length;
    t.is(heard + missed, 100);
    t.is(missed, 2 * world.network.stats().overrun);
    t.true(missed > 50);
    endpoint.destroy();
    subscriber.destroy();
  });
});

test('who dies leaves an end that nobody knows, who closes does not (P10.10)', async (t) => {
  for (const good of [false, true]) {
    const world = new World({ faults: ONE_MS });
    await world.run(async () => {
      const subscriber = world.endpoint(100);
      const items = reader(subscriber.subscribe(ID));
      const first = publisherAt(world, 200);
      await first.endpoint.publisher(ID).publish('t', 1);
      first.wire.dead = !good;
      if (good) await first.endpoint.close();
      else first.endpoint.destroy();
      const second = publisherAt(world, 200);
      await second.endpoint.publisher(ID).publish('t', 1);
      await world.sleep(10);
      const told = items.map((item) => (item.kind === 'event' ? item.number : item.reason));
      t.deepEqual(told, good ? [1, 1] : [1, 1, 'restarted']);
      t.is(items[2]?.stream, good ? undefined : items[0]!.stream);
      await Promise.all([subscriber.close(), second.endpoint.close()]);
    });
    t.is(await world.timersLeft(), 0);
  }
});

test('who dies and is not restarted is gone, soon after it broke its word (P10.10)', async (t) => {
  const world = new World({ faults: ONE_MS });
  await world.run(async () => {
    const subscriber = world.endpoint(100);
    const items = reader(subscriber.subscribe(ID));
    const { wire, endpoint } = publisherAt(world, 200);
    await endpoint.publisher(ID).publish('t', 1);
    await world.sleep(2);
    wire.dead = true;
    endpoint.destroy();
    await world.sleep(20);
    t.deepEqual(
      items.map((item) => (item.kind === 'event' ? item.number : item.reason)),
      [1, 'gone'],
    );
    await subscriber.close();
  });
  t.is(await world.timersLeft(), 0);
});

test('everybody gets everything but the publisher itself, until the last one leaves', async (t) => {
  const world = new World();
  await world.run(async () => {
    const endpoints = [100, 200, 300].map((address) => world.endpoint(address));
    const subscriptions = endpoints.map((endpoint) => endpoint.subscribe(ID));
    const all = subscriptions.map(reader);
    const [publisher] = endpoints.map((endpoint) => endpoint.publisher(ID));
    for (let count = 1; count <= 10; count++) await publisher!.publish(`t${count}`, { count });
    await world.sleep(1);
    t.deepEqual(
      all.map(({ length }) => length),
      [0, 10, 10],
    );
    t.like(all[1]![9], {
      sender: 100,
      topic: 't10',
      number: 10,
      credentials: { pid: 100, uid: 0, gid: 0 },
    });
    t.deepEqual((all[1]![9] as { value: unknown }).value, { count: 10 });
    for (const subscription of subscriptions) subscription.close();
    const before = world.network.stats().delivered;
    t.is(await publisher!.publish('nobody'), 11);
    await world.sleep(1);
    t.is(world.network.stats().delivered, before);
    await Promise.all(endpoints.map((endpoint) => endpoint.close()));
  });
  t.is(await world.timersLeft(), 0);
});

test('damage and copies of events, minutes late, are not given (P3.3, P10.5)', async (t) => {
  const faults = {
    corrupt: 0.1,
    duplicate: 0.3,
    loss: 0.1,
    duplicateDelayMs: { min: 0, max: 100_000 },
    ...ONE_MS,
  };
  const world = new World({ faults, seed: 4 });
  await world.run(async () => {
    const subscriber = world.endpoint(100);
    const items = reader(subscriber.subscribe(ID));
    const publisherEnd = world.endpoint(200);
    const publisher = publisherEnd.publisher(ID);
    for (let count = 1; count <= 1000; count++) {
      await publisher.publish('t', `value ${count}`);
      await world.sleep(0.2);
    }
    await world.sleep(200_000);
    let at = 0;
    for (const item of items) {
      if (item.kind === 'gap') at += Number(item.missed);
      else {
        at += 1;
        t.is(item.number, at);
        t.is(item.value, `value ${at}`);
      }
    }
    t.is(at, 1000);
    t.true(items.length < 1000);
    t.true(subscriber.stats().dropped.checksum > 50);
    t.true(subscriber.stats().dropped['stale-event'] > 100);
    await Promise.all([subscriber.close(), publisherEnd.close()]);
  });
  t.is(await world.timersLeft(), 0);
});
