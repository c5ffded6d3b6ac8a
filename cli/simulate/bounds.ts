import type { Incarnation, Party } from './party.ts';
import type { Stage } from './stage.ts';
import { resolveLimits } from '../../core/limits.ts';
import type { EndpointStats } from '../../sessions/endpoint.ts';

const EVERY_MS = 50;

/** Looks at the tables of all endpoints now and then, until the faults stop. */
export async function watchBounds(stage: Stage, parties: readonly Party[]): Promise<void> {
  while (!stage.calm) {
    for (const party of parties) checkBounds(stage, party);
    await stage.sleep(EVERY_MS);
  }
}

/** Notes what an endpoint holds beyond the limits in force, and datagrams counted wrongly. */
function checkBounds({ ledger }: Stage, { plan, endpoint, client }: Party): void {
  if (endpoint === undefined) return;
  const limits = resolveLimits(plan.limits);
  const stats = endpoint.stats();
  // The limit is for sessions that others open; its own are as many as its connections.
  const sessions = limits.sessionsMax + (client?.connections ?? 0);
  const bounds: readonly (readonly [keyof EndpointStats & string, number, number])[] = [
    ['sessions', stats.sessions, sessions],
    ['requestsHeld', stats.requestsHeld, limits.requestsMax],
    ['repliesKept', stats.repliesKept, limits.repliesMax],
    ['bareRequests', stats.bareRequests, limits.bareRequestsMax],
    ['flowCostHeld', stats.flowCostHeld, limits.flowCostMax + limits.packedMax],
    ['dropped', droppedBy(stats), stats.datagramsReceived],
  ];
  for (const [name, value, most] of bounds) {
    if (value > most) ledger.violated(`${plan.name}: ${name} is ${value}, of ${most} at most`);
  }
}

function droppedBy({ dropped }: EndpointStats): number {
  return Object.values(dropped).reduce((sum, count) => sum + count, 0);
}

/**
 * Notes sessions with incarnations that are gone, once everybody has talked with everybody: those
 * that live now have ended them (P4.5).
 */
export function checkSessions({ ledger, wire, deeds }: Stage, parties: readonly Party[]): void {
  for (const { plan, endpoint, client } of parties) {
    if (endpoint === undefined) continue;
    const asked = parties.map((other) =>
      wire.sessions(other.client?.label ?? '', plan.address)
      + wire.sessions(client?.label ?? '', other.plan.address));
    const most = asked.reduce((sum, count) => sum + count, 0);
    const { sessions } = endpoint.stats();
    if (sessions <= most + deeds.intrusions) continue; // those of the intruder are not counted
    ledger.violated(`${plan.name} has ${sessions} sessions, those who live asked for ${most}`);
  }
}

const tables = [
  'sessions', 'requestsHeld', 'repliesKept', 'bareRequests', 'flowCostHeld', 'placesHeld',
  'publishers', 'subscriptions',
] as const;

/** Notes what an endpoint that is closed still holds, and what it did not count as it came. */
export function checkClosed({ ledger }: Stage, { label, endpoint, tap }: Incarnation): void {
  const stats = endpoint.stats();
  for (const name of tables) {
    if (stats[name] !== 0) ledger.violated(`${label} is closed, but ${name} is ${stats[name]}`);
  }
  const { datagramsReceived } = stats;
  const dropped = droppedBy(stats);
  if (datagramsReceived !== tap.received) {
    ledger.violated(`${label} counted ${datagramsReceived} datagrams, and ${tap.received} came`);
  }
  if (tap.repeated <= dropped) return;
  ledger.violated(`${label} had ${tap.repeated} datagrams again, and dropped ${dropped}`);
}
