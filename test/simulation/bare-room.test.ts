import test from 'ava';
import { ID, World } from './world.ts';
import { ConnectorError, decodeDatagram, encodeMessage } from '../../index.ts';
import type { Endpoint, Message } from '../../index.ts';
import { Slab } from '../../core/slab.ts';
import type { SimulatedTransport } from '../../transport/simulated/transport.ts';
import { truesize } from '../../transport/truesize.ts';

const CLIENT = 200;
const AGENT = 100;
const OTHER = { idx: 21, val: 1 };
/** A reply without payload. */
const SMALL = { datagrams: 1, bytes: 0 };
const CHARGE = truesize(36, true);

/** An agent that keeps what it is asked, with the time, and answers when it is told to. */
class PatientAgent {
  readonly asked: Message[] = [];
  readonly times: number[] = [];
  /** Told of each message when it comes. */
  hear: (message: Message) => void = () => {};
  readonly #transport: SimulatedTransport;

  constructor(world: World) {
    this.#transport = world.network.open({ address: AGENT });
    this.#transport.start({
      receive: (slab, start, end) => {
        const decoded = decodeDatagram(slab.bytes.slice(start, end));
        for (const message of decoded.ok ? decoded.messages : []) {
          this.asked.push(message);
          this.times.push(world.clock.now());
          this.hear(message);
        }
      },
      overrun: () => {},
      received: () => {},
      failed: () => {},
    });
  }

  answer({ cn, payload }: Message): void {
    this.send(encodeMessage({ ...cn, ack: (cn.ack + 1) >>> 0 }, payload));
  }

  send(bytes: Uint8Array): void {
    this.#transport.send(new Slab(bytes), 0, bytes.length, CLIENT);
  }
}

const nothing = new Uint8Array(0);

/** Requests whose failures are looked at later. */
function ask(client: Endpoint, count: number, options = {}): Promise<unknown>[] {
  return Array.from({ length: count }, () => {
    const request = client.request(ID, AGENT, nothing, { reply: SMALL, ...options });
    request.catch(() => {});
    return request;
  });
}

test('no more requests are on their way than replies fit into the receive queue', async (t) => {
  const world = new World();
  await world.run(async () => {
    const client = world.endpoint(CLIENT, {}, 3 * CHARGE + 100);
    const agent = new PatientAgent(world);
    const requests = ask(client, 10);
    await world.sleep(5);
    t.is(agent.asked.length, 3);
    agent.answer(agent.asked[0]!);
    await world.sleep(5);
    t.is(agent.asked.length, 4);
    agent.hear = (message) => agent.answer(message);
    for (const message of agent.asked.slice(1)) agent.answer(message);
    await Promise.all(requests);
    t.is(agent.asked.length, 10);
    await client.close();
  });
  t.is(await world.timersLeft(), 0);
});

test('a request that finds no room in time was not sent, one given up makes room', async (t) => {
  const world = new World();
  await world.run(async () => {
    const client = world.endpoint(CLIENT, {}, 2304);
    const agent = new PatientAgent(world);
    const large = { reply: { datagrams: 1, bytes: 8192 } };
    const giveUp = new AbortController();
    ask(client, 1, { ...large, signal: giveUp.signal });
    const [late] = ask(client, 1, { ...large, timeoutMs: 50 });
    const error = await t.throwsAsync(late!, { instanceOf: ConnectorError });
    t.is(error.code, 'deadline-exceeded');
    t.is(error.outcome, 'not-sent');
    const [next] = ask(client, 1, large);
    await world.sleep(5);
    t.is(agent.asked.length, 1);
    agent.hear = (message) => agent.answer(message);
    giveUp.abort();
    await next;
    t.is(agent.asked.length, 2);
    await client.close();
  });
});

test('one datagram is always held, more than the queue holds are refused', async (t) => {
  const world = new World();
  await world.run(async () => {
    const client = world.endpoint(CLIENT, {}, 2304);
    const agent = new PatientAgent(world);
    agent.hear = (message) => agent.answer(message);
    await ask(client, 1, { reply: { datagrams: 1, bytes: 65_535 } })[0];
    const [many] = ask(client, 1, { reply: { datagrams: 3, bytes: 0 } });
    const error = await t.throwsAsync(many!, { instanceOf: ConnectorError });
    t.is(error.code, 'too-big');
    t.is(error.outcome, 'not-sent');
    const [none] = ask(client, 1, { reply: { datagrams: 0, bytes: 0 } });
    t.is((await t.throwsAsync(none!, { instanceOf: ConnectorError })).code, 'invalid-argument');
    t.is(agent.asked.length, 1);
    await client.close();
  });
});

test('to an agent that remembers, a request is repeated and none goes too far ahead', async (t) => {
  const world = new World();
  await world.run(async () => {
    const client = world.endpoint(CLIENT);
    const agent = new PatientAgent(world);
    let silent: number | undefined;
    agent.hear = (message) => {
      silent ??= message.cn.seq;
      if (message.cn.seq !== silent) agent.answer(message);
    };
    const requests = ask(client, 20, { remembered: 8 });
    const apart = client.request(OTHER, AGENT, nothing, { reply: SMALL, timeoutMs: 200 });
    await world.sleep(100);
    const distances = agent.asked.map(({ cn }) => (cn.seq - silent!) | 0);
    t.is(Math.max(...distances), 7);
    t.true(distances.filter((distance) => distance === 0).length > 1);
    silent = -1;
    await Promise.all([...requests, apart]);
    await client.close();
  });
});

test('after an overrun what may be repeated is asked again at once (semantics 26)', async (t) => {
  const wayMs = 10;
  const world = new World({ faults: { delayMs: { min: wayMs, max: wayMs } } });
  await world.run(async () => {
    const client = world.endpoint(CLIENT, {}, 2304);
    const agent = new PatientAgent(world);
    agent.hear = (message) => {
      if (agent.asked.length === 2) {
        for (let seq = 0; seq < 20; seq++) {
          agent.send(encodeMessage({ id: OTHER, seq, ack: 0, flags: 0 }, nothing));
        }
      }
      if (agent.asked.length !== 1) agent.answer(message);
    };
    const [once] = ask(client, 1, { timeoutMs: 500 });
    const [again] = ask(client, 1, { idempotent: true });
    await again;
    t.true(client.stats().overrun > 0);
    t.is(agent.asked.length, 3);
    t.deepEqual(agent.asked[2], agent.asked[1]);
    t.is(agent.times[2], agent.times[1]! + 2 * wayMs, 'one round trip, no time-out');
    const error = await t.throwsAsync(once!, { instanceOf: ConnectorError });
    t.is(error.outcome, 'unknown');
    t.is(agent.asked.length, 3);
    await client.close();
  });
});
