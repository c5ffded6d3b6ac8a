import { OUTSIDER, type PartyPlan, type Plan } from './plan.ts';
import { replayCommand, type Report, type SeedResult } from './result.ts';
import { wrap } from '../help.ts';
import type { EventPlan } from './events/plan.ts';
import type { Range } from '../../transport/faults.ts';

const COLUMNS = 100;
const LABEL = 11;

/** The options that a seed has drawn. */
export function planText(plan: Plan): string[] {
  const { seed, parties, barePeers, fifo, intact, reportsDeath, faultsMs, callsMax } = plan;
  const traits = [
    fifo ? 'keeps order' : 'reorders',
    intact ? 'keeps bytes' : 'may damage bytes',
    reportsDeath ? 'reports dead peers' : 'is silent about dead peers',
  ];
  return [
    ...row('seed', `${seed}: ${parties.length} endpoints, ${barePeers} bare peers, up to `
      + `${callsMax} calls, faults for ${faultsMs} ms`),
    ...parties.flatMap((party) => row(party.name, partyText(party))),
    ...row('network', traits.join(', ')),
    ...row('faults', faultText(plan)),
    ...row('calls', shares({ ...plan.mix })),
    ...row('a second', shares({ ...plan.chaos, ...plan.hostility })),
    ...(plan.events === undefined ? [] : eventText(plan.events, parties)),
  ];
}

/** What went wrong with a seed, and how to see it again. */
export function failureText({ seed, violations }: SeedResult): string[] {
  return [
    ...row(`seed ${seed}`, `FAILED: ${violations.length} violations`),
    ...violations.flatMap((violation) => row('', violation)),
    ...row('', `replay: ${replayCommand(seed)}`),
  ];
}

/** The sum of all seeds. */
export function reportText({ seeds, calls, events, faults, virtualMs, wallMs }: Report): string[] {
  const seconds = (ms: number): string => (ms / 1000).toFixed(1);
  const happened = Object.entries(faults).filter(([, count]) => count > 0);
  const { run, passed, failed } = seeds;
  const { published, given, missed, gaps, unknown } = events;
  return [
    ...row('seeds', `${run} run, ${passed} passed, ${failed.length} failed`),
    ...row('calls', `${calls}`),
    ...row('events', `${published} published, ${given} given, ${missed} missed in ${gaps} gaps, of `
      + `${unknown} gaps nobody knows the size`),
    ...row('faults', happened.map(([name, count]) => `${count} ${name}`).join(', ') || 'none'),
    ...row('time', `${seconds(wallMs)} s, ${seconds(virtualMs)} s in the simulation`),
    ...row('verdict', failed.length === 0 ? 'good: every invariant held' : 'BAD'),
  ];
}

function partyText(party: PartyPlan): string {
  const { address, role, uid, limits, receiveBuffer, readDelayMs, hands } = party;
  const bounds = Object.entries(limits).map(([name, value]) => `${name} ${value}`);
  return [
    `${role} at ${address}`,
    ...(uid === OUTSIDER ? ['an outsider'] : []),
    `buffer ${receiveBuffer}`,
    ...(readDelayMs > 0 ? [`reads after ${rounded(readDelayMs)} ms`] : []),
    ...(role === 'server' ? [] : [`${hands} hands`]),
    ...bounds,
  ].join(', ');
}

function eventText(plan: EventPlan, parties: readonly PartyPlan[]): string[] {
  const { heralds, publishedMax, forgery } = plan;
  const hands = heralds.flatMap(({ listeners, limits, ...herald }, at) => {
    const { topic, perSecond, ...others } = herald;
    const bounds = Object.entries(limits).map(([name, value]) => `${name} ${value}`);
    const ears = listeners.map(({ topic: heard, buffer, choosy, ...ear }) => {
      const times = `buffer ${buffer}, ${shares({ ...ear })}`;
      return `listens to topic ${heard}, ${times}${choosy ? ', choosy' : ''}`;
    });
    const mouth = `publishes topic ${topic}, ${shares({ perSecond, ...others })}`;
    const parts = [...(perSecond > 0 ? [mouth] : []), ...ears, ...bounds];
    return row(`${parties[at]!.name} events`, parts.join('; ') || 'none');
  });
  return [...row('events', `up to ${publishedMax}, a second ${shares({ ...forgery })}`), ...hands];
}

function faultText({ faults, pressure }: Plan): string {
  const { burst, duplicateDelayMs, reorderDelayMs, delayMs, ...others } = faults;
  const { loss, duplicate, reorder, corrupt, truncate } = others;
  const plain = shares({ loss, duplicate, reorder, corrupt, truncate });
  const parts = [
    `delay ${range(delayMs)}`,
    ...(plain === 'none' ? [] : [plain]),
    ...(burst === undefined || burst.enter === 0 ? [] : [`bursts ${shares({ ...burst })}`]),
    ...((duplicate ?? 0) > 0 ? [`copies after ${range(duplicateDelayMs)}`] : []),
    ...((reorder ?? 0) > 0 ? [`held back ${range(reorderDelayMs)}`] : []),
    ...(pressure.kernel + pressure.atomic > 0 ? [`memory ${shares({ ...pressure })}`] : []),
  ];
  return parts.join('; ');
}

function shares(values: Readonly<Record<string, number | undefined>>): string {
  const named = Object.entries(values).filter(([, value]) => (value ?? 0) > 0);
  return named.map(([name, value]) => `${name} ${rounded(value!)}`).join(', ') || 'none';
}

function range({ min, max }: Range = { min: 0, max: 0 }): string {
  return `${rounded(min)}..${rounded(max)} ms`;
}

function rounded(value: number): number {
  return Number(value.toPrecision(3));
}

function row(label: string, text: string): string[] {
  const lines = wrap(text, COLUMNS - LABEL);
  return lines.map((line, at) => (at === 0 ? label : '').padEnd(LABEL) + line);
}
