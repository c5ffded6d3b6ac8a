import { maybe, pick } from '../odds.ts';
import { TOPICS, type EventPlan, type HeraldPlan, type ListenerPlan } from './plan.ts';
import type { Limits } from '../../../core/limits.ts';
import type { SeededRandom } from '../../../core/random.ts';

/** Draws the events of a world with so many endpoints; half of all worlds have none. */
export function drawEvents(random: SeededRandom, parties: number): EventPlan | undefined {
  if (random.chance(0.5)) return undefined;
  const many = random.chance(0.5);
  return {
    heralds: Array.from({ length: parties }, (_value, at) =>
      drawHerald(random.fork(`herald ${at}`), many)),
    publishedMax: random.integer(20, 400),
    forgery: {
      replays: maybe(random, 0.4, random.range(5, 100)),
      impersonations: maybe(random, 0.4, random.range(5, 100)),
      forgeries: maybe(random, 0.4, random.range(5, 100)),
    },
  };
}

function drawHerald(random: SeededRandom, many: boolean): HeraldPlan {
  const listeners = pick(random, [0, 1, 1, 1, 2]);
  return {
    topic: drawTopic(random),
    perSecond: maybe(random, many ? 0.8 : 0.4, pick(random, [5, 50, 200, 1000])),
    batch: maybe(random, 0.5, random.range(0, 0.2)),
    large: maybe(random, 0.4, random.range(0, 0.2)),
    tooLong: maybe(random, 0.2, 0.02),
    ends: maybe(random, 0.4, random.range(0, 0.1)),
    listeners: Array.from({ length: listeners }, () => drawListener(random)),
    limits: drawLimits(random),
  };
}

function drawListener(random: SeededRandom): ListenerPlan {
  return {
    topic: drawTopic(random),
    lateMs: random.chance(0.5) ? 0 : random.range(0, 1500),
    stayMs: random.chance(0.6) ? Infinity : random.range(100, 1500),
    buffer: random.chance(0.4) ? random.integer(1, 20) : 65_536,
    paceMs: maybe(random, 0.4, random.range(0, 200)),
    choosy: random.chance(0.5),
  };
}

/** Mostly the same, so that there are those who listen to what is published. */
function drawTopic(random: SeededRandom): number {
  return random.chance(0.8) ? 0 : TOPICS.length - 1;
}

function drawLimits(random: SeededRandom): Partial<Limits> {
  const small = (name: keyof Limits, least: number, most: number): Partial<Limits> =>
    random.chance(0.2) ? { [name]: random.integer(least, most) } : {};
  return {
    ...small('eventSendersMax', 1, 3),
    ...small('eventsHeldMax', 1, 8),
    ...small('eventBytesHeldMax', 200, 4000),
    ...small('eventBytesUnreadMax', 200, 4000),
    ...small('eventsQueuedMax', 1, 10),
    ...small('eventReorderMs', 1, 50),
  };
}
