import { pick } from './draw.ts';
import type { Behaviour, CallPlan, Form } from './call.ts';
import type { Mix } from './plan.ts';
import type { SeededRandom } from '../../core/random.ts';

const CHANNELS = 5;
const SMALL = 200;
const LONGEST = 60 * 1024;

/** Draws one call. */
export function drawCall(random: SeededRandom, mix: Mix): CallPlan {
  const form = drawForm(random, mix);
  const large = random.chance(mix.large);
  const longest = large ? pick(random, [2_000, 10_000, 40_000, LONGEST]) : SMALL;
  const length = random.chance(0.05) && large ? LONGEST : random.integer(0, longest);
  const behaviour = form === 'empty' ? 'quick' : drawBehaviour(random, mix);
  return {
    behaviour,
    form,
    length,
    replyLength: random.integer(0, random.chance(mix.large) ? longest : SMALL),
    workMs: random.range(0, random.chance(0.1) ? 300 : 30),
    channel: random.chance(mix.channel) ? `c${random.integer(1, CHANNELS)}` : undefined,
    idempotent: random.chance(mix.idempotent),
    timeoutMs: random.chance(mix.shortDeadline) ? random.range(0, 30) : random.range(30, 2500),
  };
}

/** A call that is sure to succeed where nothing is wrong. */
export function plainCall(idempotent: boolean, timeoutMs: number): CallPlan {
  return {
    behaviour: 'quick',
    form: 'bytes',
    length: 100,
    replyLength: 100,
    workMs: 0,
    channel: undefined,
    idempotent,
    timeoutMs,
  };
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
