import test, { type ExecutionContext } from 'ava';
import { fickle } from './fickle.ts';
import { deferred, ID, World } from './world.ts';
import { isConnectorError, type ConnectorError, type Endpoint, type Limits } from '../../index.ts';

// Semantics 18: what a client repeats of its own accord is bounded, whatever its server does, and
// one restart is not noticed.

const LINK = { delayMs: { min: 0.5, max: 0.5 } };
const SERVER = 100;
const IN_FLIGHT = 1024;
const RUNS_PER_REPEAT = 10;
const IDEMPOTENT = { idempotent: true, timeoutMs: 60_000 };

/** What a call came to: undefined if it was answered. */
function failure(call: Promise<unknown>): Promise<ConnectorError | undefined> {
  return call.then(
    () => undefined,
    (error: unknown) => {
      if (!isConnectorError(error)) throw error;
      return error;
    },
  );
}

interface Lives {
  /** How many calls a server answers; the next ones never end. */
  readonly answers: number;
  /** How long it lives after that, and how long until the next one, ms. */
  readonly lingersMs: number;
  readonly downMs: number;
}

interface Counts {
  runs: number;
  /** Calls that brought their server down. */
  fatal: number;
  servers: number;
}

/** Servers at one address, each killed soon after it has answered its share. */
function mortals(
  world: World,
  lives: Lives,
): { readonly counts: Counts; readonly end: () => void } {
  const counts: Counts = { runs: 0, fatal: 0, servers: 0 };
  let over = false;
  let current: Endpoint | undefined;
  const live = async (): Promise<void> => {
    while (!over) {
      counts.servers += 1;
      let answered = 0;
      const enough = deferred();
      current = world.endpoint(SERVER);
      current.serve(ID, {
        work: () => {
          counts.runs += 1;
          if (answered++ < lives.answers) return 'done';
          enough.resolve();
          return new Promise(() => {});
        },
        fatal: () => {
          counts.fatal += 1;
          enough.resolve();
          return new Promise(() => {});
        },
      });
      await enough.promise;
      await world.sleep(lives.lingersMs);
      current.destroy(); // it says nothing to anybody, as a process that is killed
      await world.sleep(lives.downMs);
    }
  };
  void live();
  return {
    counts,
    end: () => {
      over = true;
      current?.destroy();
    },
  };
}

async function connected(world: World, limits: Partial<Limits> = {}) {
  const client = world.endpoint(200, limits);
  const connection = await client.connect(ID, { peer: SERVER, waitForReady: true });
  return { client, connection };
}

test('P6.13: one restart with 1,024 idempotent calls in flight goes unnoticed', async (t) => {
  const world = new World({ faults: LINK });
  await world.run(async () => {
    let ran = 0;
    const first = world.endpoint(SERVER);
    first.serve(ID, { work: () => new Promise(() => (ran += 1)) });
    const { client, connection } = await connected(world);
    const calls = Array.from({ length: IN_FLIGHT }, (_, index) =>
      connection.call('work', index, IDEMPOTENT),
    );
    await world.sleep(100);
    t.is(ran, IN_FLIGHT);
    first.destroy();
    await world.sleep(100);
    const second = world.endpoint(SERVER);
    second.serve(ID, { work: (input) => input });
    const upAt = world.clock.now();
    t.deepEqual(
      await Promise.all(calls),
      Array.from({ length: IN_FLIGHT }, (_, index) => index),
    );
    t.true(world.clock.now() <= upAt + 50, `${world.clock.now() - upAt} ms after`);
    t.like(client.stats(), { callsRepeated: IN_FLIGHT, repeatsWithheld: 0 });
    client.destroy();
    second.destroy();
  });
});

/** Plays calls against servers that crash on every start; gives what ran and what was told. */
async function crashOnStart(
  t: ExecutionContext,
  limits: Partial<Limits>,
): Promise<{ readonly counts: Counts; readonly repeated: number }> {
  const world = new World({ faults: LINK });
  return await world.run(async () => {
    const { counts, end } = mortals(world, { answers: 0, lingersMs: 10, downMs: 20 });
    const { client, connection } = await connected(world, limits);
    const calls = Array.from({ length: IN_FLIGHT }, () =>
      failure(connection.call('work', new Uint8Array(64), IDEMPOTENT)),
    );
    for (const error of await Promise.all(calls)) {
      t.like(error, { code: 'peer-lost', outcome: 'unknown' });
      t.regex(error!.message, /budget of repeats is used up$/);
    }
    end();
    const { callsRepeated, repeatsWithheld } = client.stats();
    t.is(repeatsWithheld, IN_FLIGHT);
    client.destroy();
    return { counts, repeated: callsRepeated };
  });
}

test('P6.13: servers that crash on every start get each call five times in all', async (t) => {
  const { counts, repeated } = await crashOnStart(t, {});
  t.is(repeated, 4 * IN_FLIGHT);
  t.is(counts.runs, 5 * IN_FLIGHT);
});

test('P6.13: servers that crash on every start get no more than the budget again', async (t) => {
  const { counts, repeated } = await crashOnStart(t, { repeatsMax: 1_500 });
  t.is(repeated, 1_500);
  t.is(counts.runs, IN_FLIGHT + 1_500);
});

test('P6.13: a call that brings each server down is sent five times, not for ever', async (t) => {
  const world = new World({ faults: LINK });
  await world.run(async () => {
    const { counts, end } = mortals(world, { answers: Infinity, lingersMs: 20, downMs: 5 });
    const { client, connection } = await connected(world);
    let [over, answered] = [false, 0];
    const caller = async (): Promise<void> => {
      while (!over)
        if ((await failure(connection.call('work', 0, IDEMPOTENT))) === undefined) answered += 1;
    };
    // What others get answered gives back more than the repeats of one call take.
    const callers = Array.from({ length: 8 }, caller);
    const error = await failure(connection.call('fatal', 0, IDEMPOTENT));
    t.like(error, { code: 'peer-lost', outcome: 'unknown' });
    t.is(counts.fatal, 5);
    t.true(answered > 100, `${answered} answered`);
    over = true;
    client.destroy();
    end();
    await Promise.all(callers);
  });
});

test('P6.13: in the long run one repeat comes with ten calls that ran', async (t) => {
  const repeatsMax = 100;
  const world = new World({ faults: LINK });
  await world.run(async () => {
    // Each server loses as many calls as it answers: without a bound, half of all were repeats.
    const lives = { answers: 64, lingersMs: 2, downMs: 2 };
    const { counts, end } = mortals(world, lives);
    const { client, connection } = await connected(world, { repeatsMax });
    let [over, made, answered] = [false, 0, 0];
    const caller = async (): Promise<void> => {
      while (!over) {
        made += 1;
        if ((await failure(connection.call('work', 0, IDEMPOTENT))) === undefined) answered += 1;
      }
    };
    const callers = Array.from({ length: 64 }, caller);
    await world.sleep(20_000);
    over = true;
    end();
    client.destroy();
    await Promise.all(callers);
    const { callsRepeated } = client.stats();
    const bound = repeatsMax + answered / RUNS_PER_REPEAT;
    t.true(counts.servers > 100, `${counts.servers} servers`);
    t.true(callsRepeated <= bound, `${callsRepeated} repeats, ${bound} allowed`);
    t.true(callsRepeated > 0.9 * bound, `${callsRepeated} repeats of ${bound}`);
    t.true(counts.runs <= made + bound, `${counts.runs} runs of ${made} calls`);
  });
});

test('P6.13: what a server forgot is free once, and then from the budget', async (t) => {
  for (const repeatsMax of [1, 500]) {
    const world = new World({ faults: LINK });
    await world.run(async () => {
      const peer = fickle(world, SERVER);
      const { client, connection } = await connected(world, { repeatsMax });
      const calls = Array.from({ length: IN_FLIGHT }, () => failure(connection.call('work')));
      for (const error of await Promise.all(calls)) {
        t.like(error, { code: 'peer-lost', outcome: 'not-executed' });
      }
      t.is(client.stats().callsRepeated, IN_FLIGHT + repeatsMax);
      t.is(client.stats().requestsSent, 2 * IN_FLIGHT + repeatsMax);
      t.is(peer.opened, 3);
      client.destroy();
    });
  }
});

test('P6.13: a call that never left is no repeat, however many sessions are lost', async (t) => {
  const world = new World({ faults: LINK });
  await world.run(async () => {
    const serve = (): Endpoint => {
      const server = world.endpoint(SERVER, {}, 16_384);
      server.serve(ID, { work: () => 'done' });
      return server;
    };
    let server = serve();
    const { client, connection } = await connected(world, { repeatsMax: 1 });
    const calls: Promise<ConnectorError | undefined>[] = [];
    for (let round = 0; round < 4; round++) {
      await connection.call('work');
      world.network.partition(200, SERVER);
      for (let call = 0; call < 100; call++) {
        calls.push(failure(connection.call('work', new Uint8Array(1_000))));
      }
      await world.sleep(20);
      server.destroy();
      server = serve();
      world.network.heal(200, SERVER);
      await world.sleep(20);
    }
    const errors = await Promise.all(calls);
    const failed = errors.filter((error) => error !== undefined);
    for (const error of failed) t.like(error, { code: 'peer-lost', outcome: 'unknown' });
    t.true(failed.length > 0 && failed.length < 100, `${failed.length} were sent and lost`);
    t.is(client.stats().callsRepeated, calls.length - failed.length);
    t.is(client.stats().repeatsWithheld, 0);
    client.destroy();
    server.destroy();
  });
});
