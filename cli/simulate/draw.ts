import { drawEvents } from './events/draw.ts';
import { maybe, pick } from './odds.ts';
import { OUTSIDER, type Chaos, type Hostility, type Mix, type PartyPlan } from './plan.ts';
import type { Plan, Role } from './plan.ts';
import type { Limits } from '../../core/limits.ts';
import { SeededRandom } from '../../core/random.ts';
import type { Faults, Range } from '../../transport/faults.ts';
import type { Pressure } from '../../transport/simulated/memory.ts';

const FIRST_ADDRESS = 101;
const PARTIES_MAX = 6;
/** Places that whoever means harm may take for good. */
const INTRUDERS = 2;

/**
 * Draws the world of a seed. Each part has a generator of its own, so that a new option in one does
 * not change the others of seeds that are known to be telling.
 */
export function drawPlan(seed: number): Plan {
  const root = new SeededRandom(seed).fork('plan');
  const random = root.fork('world');
  const fifo = random.chance(0.35);
  const intact = random.chance(0.4);
  const parties = drawParties(root.fork('parties'));
  return {
    seed,
    parties,
    barePeers: random.chance(0.4) ? random.integer(1, 2) : 0,
    fifo,
    intact,
    reportsDeath: random.chance(0.5),
    faults: drawFaults(root.fork('faults'), fifo, intact),
    pressure: drawPressure(root.fork('memory')),
    faultsMs: random.integer(300, 4000),
    callsMax: random.integer(100, 400),
    mix: drawMix(root.fork('mix')),
    chaos: drawChaos(root.fork('chaos')),
    hostility: drawHostility(root.fork('hostility')),
    events: drawEvents(root.fork('events'), parties.length),
  };
}

function drawParties(random: SeededRandom): PartyPlan[] {
  const count = random.integer(1, PARTIES_MAX);
  // At least one serves and one calls: the first two, or the first as both.
  const roles = Array.from({ length: count }, (_value, at): Role => {
    if (count === 1) return 'both';
    if (at === 0) return pick(random, ['server', 'both']);
    if (at === 1) return pick(random, ['client', 'both']);
    return pick(random, ['client', 'client', 'server', 'both']);
  });
  return roles.map((role, at) => ({
    name: String.fromCharCode('A'.charCodeAt(0) + at),
    address: FIRST_ADDRESS + at,
    role,
    uid: at > 1 && role === 'client' && random.chance(0.1) ? OUTSIDER : 0,
    limits: drawLimits(random.fork(`limits ${at}`), role),
    receiveBuffer: pick(random, [212_992, 212_992, 20_000, 4_608, 2_304]),
    readDelayMs: random.chance(0.2) ? random.range(0, 3) : 0,
    hands: random.integer(1, 4),
  }));
}

/** Small caches and bounds, so that eviction and refusal happen. */
function drawLimits(random: SeededRandom, role: Role): Partial<Limits> {
  const small = (name: keyof Limits, least: number, most: number): Partial<Limits> =>
    random.chance(0.3) ? { [name]: random.integer(least, most) } : {};
  // The sessions that a side opens take places, too, and do not give way.
  const own = (role === 'both' ? PARTIES_MAX + 2 : 0) + INTRUDERS;
  return {
    silenceMs: random.integer(800, 3000),
    seqWindow: pick(random, [64, 64, 128, 65_536]),
    // Far more than any world uses, but tables are made for their bounds, and worlds are many.
    repliesMax: 4096,
    completedPairsMax: 256,
    ...small('channelsMax', 1, 4),
    ...small('callsPerSessionMax', 2, 40),
    ...small('halfOpenMax', 1, 4),
    ...small('lostSessionsMax', 1, 4),
    ...small('repliesMax', 1, 5),
    ...small('replyBytesMax', 200, 10_000),
    ...small('requestsMax', 2, 20),
    ...small('requestBytesMax', 65_536, 200_000),
    ...small('bareRequestsMax', 1, 8),
    ...small('completedPairsMax', 1, 8),
    ...small('creditMax', 4096, 40_000),
    ...small('flowCostMax', 100_000, 2_000_000),
    ...(random.chance(0.3)
      ? { sessionsMax: random.integer(2, 6) + own, sessionsPerPeerMax: random.integer(1, 2) }
      : {}),
    ...small('repeatsMax', 1, 20),
    ...small('repeatsPerCallMax', 1, 4),
    ...(random.chance(0.5) ? { sleepMs: pick(random, [0.1, 1, 5, 40]) } : {}),
  };
}

function drawFaults(random: SeededRandom, fifo: boolean, intact: boolean): Faults {
  const base = random.chance(0.2) ? 0 : random.range(0, 3);
  const late = pick(random, [0, 10, 3_000, 180_000]);
  const faults = {
    loss: maybe(random, 0.7, random.range(0, 0.3)),
    burst: {
      enter: maybe(random, 0.3, random.range(0.005, 0.05)),
      leave: 1 / random.range(2, 16),
      loss: random.range(0.5, 1),
    },
    duplicate: maybe(random, 0.7, random.range(0, 0.3)),
    duplicateDelayMs: upTo(0, late),
    reorder: maybe(random, 0.6, random.range(0, 0.3)),
    reorderDelayMs: upTo(0.1, random.chance(0.2) ? 500 : 10),
    delayMs: upTo(base, base + maybe(random, 0.7, random.range(0, 4))),
    corrupt: maybe(random, 0.7, random.range(0, 0.1)),
    truncate: maybe(random, 0.4, 0.03),
  };
  return {
    ...faults,
    ...(fifo ? { reorder: 0, delayMs: upTo(base, base) } : {}),
    ...(intact ? { corrupt: 0, truncate: 0 } : {}),
  };
}

function upTo(min: number, max: number): Range {
  return { min, max };
}

function drawPressure(random: SeededRandom): Pressure {
  const short = random.chance(0.3);
  return {
    ampleMs: random.range(10, 200),
    shortMs: random.range(5, 30),
    kernel: short ? random.range(0, 0.3) : 0,
    atomic: short ? random.range(0, 0.5) : 0,
  };
}

function drawMix(random: SeededRandom): Mix {
  return {
    channel: maybe(random, 0.8, random.range(0, 0.9)),
    idempotent: maybe(random, 0.7, random.range(0, 0.5)),
    cancel: maybe(random, 0.6, random.range(0, 0.4)),
    shortDeadline: maybe(random, 0.6, random.range(0, 0.5)),
    empty: random.range(0, 0.15),
    json: random.range(0, 0.3),
    large: maybe(random, 0.5, random.range(0, 0.15)),
    batch: maybe(random, 0.5, random.range(0, 0.2)),
    bare: random.range(0, 0.2),
    slow: maybe(random, 0.7, random.range(0, 0.5)),
    stalled: maybe(random, 0.4, random.range(0, 0.05)),
    throwing: maybe(random, 0.6, random.range(0, 0.2)),
    callBack: maybe(random, 0.5, random.range(0, 0.3)),
    noMethod: maybe(random, 0.5, random.range(0, 0.1)),
    oneWay: maybe(random, 0.6, random.range(0, 0.3)),
    stream: maybe(random, 0.6, random.range(0, 0.2)),
    huge: maybe(random, 0.3, random.range(0, 0.02)),
  };
}

function drawChaos(random: SeededRandom): Chaos {
  return {
    crashes: maybe(random, 0.5, random.range(0.2, 3)),
    partitions: maybe(random, 0.5, random.range(0.2, 3)),
    drains: maybe(random, 0.3, random.range(0.2, 1)),
    jumps: maybe(random, 0.3, random.range(0.2, 2)),
  };
}

function drawHostility(random: SeededRandom): Hostility {
  return {
    replays: maybe(random, 0.4, random.range(10, 200)),
    forgeries: maybe(random, 0.4, random.range(10, 200)),
    floods: maybe(random, 0.3, random.range(10, 300)),
    impersonations: maybe(random, 0.4, random.range(10, 200)),
    intrusions: maybe(random, 0.3, random.range(1, 20)),
  };
}
