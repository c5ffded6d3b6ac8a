import { pick } from './odds.ts';
import { NO_ITEMS, type Behaviour, type CallPlan, type Form, type Manner } from './call.ts';
import type { Mix } from './plan.ts';
import { LONGEST } from './stamp.ts';
import type { SeededRandom } from '../../core/random.ts';

const CHANNELS = 5;
const SMALL = 200;
const IN_ONE = 60 * 1024;

/** Draws one call. */
export function drawCall(random: SeededRandom, mix: Mix): CallPlan {
  const form = drawForm(random, mix);
  const large = random.chance(mix.large);
  const longest = large ? pick(random, [2_000, 10_000, 40_000, IN_ONE]) : SMALL;
  const exact = random.chance(0.05) && large ? IN_ONE : random.integer(0, longest);
  const long = (chosen: number): number => {
    return random.chance(mix.huge) ? random.integer(IN_ONE, LONGEST) : chosen;
  };
  const manner = drawManner(random, mix, form);
  const behaviour = form === 'empty' ? 'quick' : drawBehaviour(random, mix);
  return {
    behaviour,
    form,
    manner,
    length: long(exact),
    replyLength: long(random.integer(0, random.chance(mix.large) ? longest : SMALL)),
    items: manner === 'stream' ? { up: count(random), down: count(random) } : NO_ITEMS,
    workMs: random.range(0, random.chance(0.1) ? 300 : 30),
    channel: random.chance(mix.channel) ? `c${random.integer(1, CHANNELS)}` : undefined,
    idempotent: random.chance(mix.idempotent) && manner !== 'stream',
    timeoutMs: random.chance(mix.shortDeadline) ? random.range(0, 30) : random.range(30, 2500),
  };
}

/** A call that is sure to succeed where nothing is wrong. */
export function plainCall(idempotent: boolean, timeoutMs: number): CallPlan {
  return {
    behaviour: 'quick',
    form: 'bytes',
    manner: 'call',
    items: NO_ITEMS,
    length: 100,
    replyLength: 100,
    workMs: 0,
    channel: undefined,
    idempotent,
    timeoutMs,
  };
}

/** Streams have a payload: what belongs to them is told by it. */
function drawManner(random: SeededRandom, mix: Mix, form: Form): Manner {
  if (random.chance(mix.stream)) return form === 'bytes' ? 'stream' : 'call';
  return random.chance(mix.oneWay) ? 'oneWay' : 'call';
}

function count(random: SeededRandom): number {
  return random.chance(0.3) ? 0 : random.integer(1, random.chance(0.2) ? 60 : 8);
}

function drawForm(random: SeededRandom, { empty, json }: Mix): Form {
  const at = random.fraction();
  if (at < empty) return 'empty';
  return at < empty + json ? 'json' : 'bytes';
}

function drawBehaviour(random: SeededRandom, mix: Mix): Behaviour {
  for (const behaviour of ['slow', 'stalled', 'throwing', 'callBack', 'noMethod'] as const) {
    if (random.chance(mix[behaviour])) return behaviour;
  }
  return 'quick';
}
