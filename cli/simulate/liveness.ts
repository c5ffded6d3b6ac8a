import type { Client, Targets, Way } from './client.ts';
import { plainCall } from './mix.ts';
import type { Party } from './party.ts';
import { OUTSIDER } from './plan.ts';
import type { Stage } from './stage.ts';
import { isConnectorError } from '../../core/errors.ts';
import type { Peer } from '../../transport/transport.ts';

/** Within this time everybody reaches anybody, once the faults have stopped. */
const BOUND_MS = 30_000;
const AGAIN_MS = 100;
const CALLS = 3;
/** What a small table says while it is full of others, who are about to end. */
const bounded: readonly string[] = ['busy', 'reply-evicted'];

/** Notes what does not work although nothing is in the way any more. */
export async function proveLiveness(
  stage: Stage,
  parties: readonly Party[],
  targets: Targets,
): Promise<void> {
  await Promise.all(
    parties.map(async ({ client, plan }) => {
      if (client === undefined) return;
      for (const server of targets.servers) {
        const end = stage.clock.now() + BOUND_MS;
        if (plan.uid === OUTSIDER) await proveRefusal(stage, client, server, end);
        else await proveSession(stage, client, server, end);
      }
      for (const peer of targets.bare) {
        const answered = await client.request(peer, true, BOUND_MS / 2, 50);
        if (!answered) stage.ledger.violated(`${client.label} got no answer of bare peer ${peer}`);
      }
    }),
  );
}

/**
 * Whatever was left of a session that is lost is found out by the first call, which may be lost
 * with it. Those after it have no excuse.
 */
async function proveSession(
  stage: Stage,
  client: Client,
  server: Peer,
  end: number,
): Promise<void> {
  const { ledger, clock } = stage;
  const way = await connect(stage, client, server, end);
  if (way === undefined) return;
  let found = false;
  for (let made = 0; made < CALLS;) {
    const at = ledger.calls.length;
    await client.call(way, plainCall(made === 0, end - clock.now()));
    const call = ledger.calls.slice(at).find(({ route }) => route === way.route)!;
    const { code } = call.settlement!;
    if (code === 'ok') made += 1;
    else if (code === 'peer-lost' && made === 0 && !found) found = true;
    else if (!bounded.includes(code) || clock.now() + AGAIN_MS >= end) {
      ledger.violated(`${call}, made after all faults, failed with ${code}`);
      return;
    } else await again(stage, client);
  }
}

async function connect(
  stage: Stage,
  client: Client,
  server: Peer,
  end: number,
): Promise<Way | undefined> {
  const { ledger, clock } = stage;
  for (;;) {
    try {
      return await client.way(server, end - clock.now(), true);
    } catch (error) {
      if (!isConnectorError(error, 'busy') || clock.now() + AGAIN_MS >= end) {
        ledger.violated(`${client.label} cannot connect to ${server}: ${String(error)}`);
        return undefined;
      }
    }
    await again(stage, client);
  }
}

/** Waits, each client for another time: who is in another's way must not stay in step with it. */
function again(stage: Stage, { label }: Client): Promise<void> {
  const random = stage.random.fork(`again ${label} ${stage.ledger.calls.length}`);
  return stage.sleep(random.range(0, AGAIN_MS));
}

/** Whom the rule does not allow in is told so. */
async function proveRefusal(
  stage: Stage,
  client: Client,
  server: Peer,
  end: number,
): Promise<void> {
  try {
    await client.way(server, end - stage.clock.now(), true);
  } catch (error) {
    if (isConnectorError(error, 'refused')) return;
    stage.ledger.violated(`${client.label}, an outsider, was told ${String(error)}`);
  }
}
