import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { createEndpoint, SeededRandom, SystemClock } from '../../../index.ts';
import type { EventItem } from '../../../index.ts';
import { faulty, type FaultyTransport } from '../../../transport/faulty.ts';
import { openNetlink } from '../../../transport/netlink/netlink.ts';

// Runs in a network namespace of its own, where any user may join groups and nobody else talks.
// Prints what it saw as one line of JSON. Argument: which story.

const ID = { idx: 21, val: 1 };
const DELAY = { min: 0, max: 2 };

/** Floods a subscriber that does not read meanwhile; counts what was missed. */
async function flood(events: number): Promise<unknown> {
  const transport = openNetlink({ receiveBuffer: 8 * 832 });
  const subscriber = createEndpoint({ transport });
  const subscription = subscriber.subscribe(ID, { allow: (who) => who?.pid === process.pid });
  const publisherEnd = createEndpoint({ transport: openNetlink() });
  const publisher = publisherEnd.publisher(ID);
  // Each in a datagram of its own, and all before the event loop comes round to reading.
  for (let count = 1; count <= events; count++) await publisher.publish('flood', count);
  let at = 0;
  let received = 0;
  let missed = 0;
  let wrong = 0;
  for await (const item of subscription) {
    if (item.kind === 'gap') {
      missed += Number(item.missed);
      at += Number(item.missed);
    } else {
      at += 1;
      received += 1;
      if (item.number !== at || item.value !== at) wrong += 1;
    }
    if (at === events) break;
  }
  // What is still in the queue is read; then every datagram either came or was dropped.
  const way = (): number => {
    const came = subscriber.stats().datagramsReceived;
    return publisherEnd.stats().datagramsSent - came - transport.drops;
  };
  for (let turn = 0; turn < 10_000 && way() !== 0; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { drops } = transport;
  const beaconsCame = subscriber.stats().datagramsReceived - received;
  const beaconsLost = publisherEnd.stats().controlSent - beaconsCame;
  const asked = subscriber.stats().controlSent;
  await subscriber.close();
  await publisherEnd.close();
  return { received, missed, wrong, drops, beaconsLost, asked };
}

/** Tells events over a netlink that loses, doubles, reorders and damages; counts the missing. */
async function badly(events: number): Promise<unknown> {
  const clock = new SystemClock();
  const faults = { loss: 0.1, duplicate: 0.1, reorder: 0.1, corrupt: 0.05 };
  const bad = (seed: number): FaultyTransport => {
    const random = new SeededRandom(seed);
    return faulty(openNetlink(), { faults: { ...faults, delayMs: DELAY }, clock, random });
  };
  const subscriber = createEndpoint({ transport: bad(1) });
  const subscription = subscriber.subscribe(ID);
  const publisherEnd = createEndpoint({ transport: bad(2) });
  const publisher = publisherEnd.publisher(ID);
  let [at, received, missed, wrong] = [0, 0, 0, 0];
  const publish = async (): Promise<void> => {
    for (let count = 1; count <= events; count++) {
      await publisher.publish('badly', `value ${count}`);
      if (count % 20 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    }
  };
  void publish();
  for await (const item of subscription) {
    if (item.kind === 'event') {
      received += 1;
      if (item.number !== at + 1 || item.value !== `value ${item.number}`) wrong += 1;
      at = item.number;
    } else {
      if (item.next === undefined || item.next !== at + 1 + Number(item.missed)) wrong += 1;
      missed += Number(item.missed);
      at = (item.next ?? events + 1) - 1;
    }
    if (at >= events) break;
  }
  const { dropped } = subscriber.stats();
  await subscriber.close();
  await publisherEnd.close();
  return { received, missed, wrong, checksum: dropped.checksum, stale: dropped['stale-event'] };
}

/** Publishes for ever, from a child that is killed. */
async function publishForEver(): Promise<void> {
  const publisher = createEndpoint({ transport: openNetlink() }).publisher(ID);
  for (;;) {
    const number = await publisher.publish('tick', 'x');
    // The subscriber's queue is not flooded: it is the end that is to be unknown.
    if (number % 20 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** Kills a publisher in the middle of its work; tells how its stream ended. */
async function kill(): Promise<unknown> {
  const subscriber = createEndpoint({ transport: openNetlink() });
  const subscription = subscriber.subscribe(ID);
  const child = fork(fileURLToPath(import.meta.url), ['publish']);
  let at = 0;
  let wrong = 0;
  let last: EventItem | undefined;
  for await (const item of subscription) {
    last = item;
    if (item.kind === 'event') {
      if (item.number <= at) wrong += 1;
      at = item.number;
      if (at === 200) child.kill('SIGKILL');
    } else if (item.missed === 'unknown') break;
    else at += item.missed;
  }
  await subscriber.close();
  return { at, wrong, last };
}

switch (process.argv[2]) {
  case 'flood':
    console.log(JSON.stringify(await flood(3000)));
    break;
  case 'badly':
    console.log(JSON.stringify(await badly(2000)));
    break;
  case 'kill':
    console.log(JSON.stringify(await kill()));
    break;
  default:
    await publishForEver();
}
