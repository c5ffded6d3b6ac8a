import test from 'ava';
import { Hand } from '../../fuzz/hand.ts';
import { resolveLimits, type Limits } from '../../../core/limits.ts';
import { SeededRandom } from '../../../core/random.ts';
import { LITTLE_ENDIAN, Slab } from '../../../core/slab.ts';
import { VirtualClock } from '../../../core/virtual-clock.ts';
import { Driver } from '../../../sessions/driver.ts';
import { Incoming } from '../../../sessions/incoming.ts';
import { Lanes, type Place } from '../../../sessions/lanes.ts';
import type { Resources } from '../../../sessions/resources.ts';
import { REQUEST_CHANNEL, REQUEST_POSITION } from '../../../transport/wire/frame.ts';

function resourcesWith(limits: Partial<Limits> = {}): Resources {
  return new Driver({
    transport: new Hand(1, true),
    clock: new VirtualClock(),
    random: new SeededRandom(1),
    limits: resolveLimits(limits),
    services: new Map(),
  }).resources;
}

function place(lanes: Lanes, channel: number, position: number): Place {
  const slab = new Slab(16);
  slab.view.setUint16(REQUEST_CHANNEL, channel, LITTLE_ENDIAN);
  slab.view.setUint32(REQUEST_POSITION, position, LITTLE_ENDIAN);
  return lanes.place(slab, 0);
}

function request(channel: number): Incoming {
  const payload = new Uint8Array(0);
  const genes = { seq: 1, ack: 1 };
  return new Incoming(
    { ...genes, oneWay: false, method: 'm', format: 0, payload, deadline: Infinity, channel },
    { watched: () => {}, expired: () => {}, evicted: () => {} },
  );
}

test('P3.4: places behind gaps are bounded over all sessions, and an equal share is free', (t) => {
  const limits = { placesMax: 100, sessionsMax: 10, sessionsPerPeerMax: 10 };
  const resources = resourcesWith(limits);
  let hostile = 0;
  const taken = (lanes: Lanes): number => {
    hostile = 0;
    for (let count = 1; count <= 100; count++) {
      // In other channels, and each behind a gap: nothing makes them leave.
      lanes.put(place(lanes, count, 1 + count), undefined);
      if (hostile > 0) return count;
    }
    return Infinity;
  };
  const sessions = Array.from({ length: 4 }, () => new Lanes(resources, () => (hostile += 1)));
  t.deepEqual(sessions.map(taken), [51, 25, 13, 11], 'as much as it leaves free, or a tenth');
  t.is(resources.placesHeld, 100);
  for (const lanes of sessions) lanes.closeGaps();
  t.is(resources.placesHeld, 0);
});

test('P7.1: a place is counted until the gap before it closes, a request is none', (t) => {
  const resources = resourcesWith();
  const lanes = new Lanes(resources, () => t.fail());
  lanes.put(place(lanes, 1, 2), undefined);
  lanes.put(place(lanes, 1, 1), request(1));
  t.is(resources.placesHeld, 1);
  lanes.put(place(lanes, 1, 0), undefined);
  t.is(resources.placesHeld, 0);
  t.not(lanes.take(), undefined);
});

test('P7.2: a channel in which nothing is left is let go, and goes on counting', (t) => {
  const lanes = new Lanes(resourcesWith(), () => t.fail());
  for (const channel of [3, 1, 1_000]) {
    for (let position = 0; position < 5; position++) {
      t.truthy(place(lanes, channel, position).lane, 'its turn');
      const incoming = request(channel);
      lanes.put(place(lanes, channel, position), incoming);
      t.is(lanes.take(), incoming);
      const { lane } = place(lanes, channel, position + 1);
      t.is(place(lanes, channel, position + 1).lane, lane, 'kept while something runs in it');
      lanes.finish(incoming);
      t.not(place(lanes, channel, position + 1).lane, lane);
      t.is(place(lanes, channel, position).lane, null, 'a position is used once');
    }
  }
  t.is(place(lanes, 3, 5 + 65_536).lane, null, 'beyond the window');
  t.is(place(lanes, 1_025, 0).lane, null, 'no such channel');
});
