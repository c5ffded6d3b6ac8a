import test from 'ava';
import { createEndpoint, matchRules, SeededRandom, VirtualClock } from '../../index.ts';
import type { BareMessage, Endpoint } from '../../index.ts';
import {
  openSimulatedNetlink,
  SimulatedKernel,
} from '../../transport/simulated/connector/kernel.ts';
import type {
  KernelOptions,
  SimulatedNetlink,
  SimulatedNetlinkOptions,
  SimulatedProcess,
} from '../../transport/simulated/connector/kernel.ts';

// Endpoints that talk to agents of a simulated kernel: what examples/bare.ts does on a real one.

const ID = { idx: 20, val: 1 };
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (message: BareMessage): string => new TextDecoder().decode(message.payload);

interface Party {
  readonly process: SimulatedProcess;
  readonly transport: SimulatedNetlink;
  readonly endpoint: Endpoint;
}

class Story {
  readonly clock: VirtualClock = new VirtualClock();
  readonly kernel: SimulatedKernel;

  constructor(options: Omit<KernelOptions, 'clock'> = {}) {
    this.kernel = new SimulatedKernel({ clock: this.clock, ...options });
  }

  party(options: SimulatedNetlinkOptions = {}): Party {
    const process = this.kernel.process();
    const transport = openSimulatedNetlink(process, options);
    const random = new SeededRandom(process.pid);
    const endpoint = createEndpoint({ transport, clock: this.clock, random });
    return { process, transport, endpoint };
  }

  /** An agent that follows the documented rule, by unicast or to its group. */
  echo(group = 0): { calls: number } {
    const seen = { calls: 0 };
    const { connector } = this.kernel;
    connector.cn_add_callback(ID, 'echo', ({ id, seq, ack, data }, { portid }) => {
      seen.calls += 1;
      const reply = { id, seq, ack: (ack + 1) >>> 0, data };
      connector.cn_netlink_send(reply, group === 0 ? portid : 0, group, 'GFP_ATOMIC');
    });
    return seen;
  }
}

for (const dispatch of ['synchronous', 'work-queue'] as const) {
  test(`a request to a simulated agent is answered in virtual time, ${dispatch}`, async (t) => {
    const story = new Story({ dispatch });
    const seen = story.echo();
    const { endpoint } = story.party();
    await story.clock.run(
      (async () => {
        const began = story.clock.now();
        for (let count = 0; count < 100; count++) {
          const reply = await endpoint.request(ID, 0, bytes(`ping ${count}`));
          t.is(text(reply), `ping ${count}`);
          t.is(reply.peer, 0);
        }
        t.is(story.clock.now(), began, 'no time passes inside of a kernel');
        await endpoint.close();
      })(),
    );
    t.is(seen.calls, 100);
  });
}

test('many requests at once are bounded by the queue, and none is lost', async (t) => {
  const story = new Story();
  const seen = story.echo();
  const { endpoint, process, transport } = story.party({ receiveBuffer: 1 });
  await story.clock.run(
    (async () => {
      const requests = Array.from({ length: 500 }, (_, number) =>
        endpoint.request(ID, 0, bytes(String(number))),
      );
      const replies = await Promise.all(requests);
      t.deepEqual(
        replies.map(text),
        Array.from({ length: 500 }, (_, number) => String(number)),
      );
      await endpoint.close();
    })(),
  );
  t.is(seen.calls, 500);
  t.false(process.hung);
  t.is(transport.drops, 0);
});

test('an agent that multicasts is heard by members only, the asker included', async (t) => {
  const story = new Story();
  story.echo(20);
  const [outside, inside] = [story.party(), story.party({ groups: [20] })];
  const bystander = story.party({ groups: [20] });
  const heard: string[] = [];
  bystander.endpoint.on(ID, (message) => heard.push(`${text(message)} in ${message.group}`));
  await story.clock.run(
    (async () => {
      t.is(text(await inside.endpoint.request(ID, 0, bytes('hello'))), 'hello');
      await t.throwsAsync(outside.endpoint.request(ID, 0, bytes('?'), { timeoutMs: 50 }), {
        message: /deadline/,
      });
      for (const { endpoint } of [inside, outside, bystander]) await endpoint.close();
    })(),
  );
  t.deepEqual(heard, ['hello in 20', '? in 20']);
});

test('nobody answers for an unknown id: the deadline is the only sign (KF §1.4)', async (t) => {
  const story = new Story();
  const { endpoint } = story.party();
  await story.clock.run(
    (async () => {
      const error = await t.throwsAsync(endpoint.request(ID, 0, bytes('?'), { timeoutMs: 100 }));
      t.like(error, { code: 'deadline-exceeded', outcome: 'unknown' });
      await endpoint.close();
    })(),
  );
});

test('cn_proc answers by its own rule, and its events are news', async (t) => {
  const story = new Story();
  const proc = { idx: 1, val: 1 };
  const { endpoint } = story.party({ groups: [1] });
  const kinds: number[] = [];
  endpoint.on(proc, ({ payload }) =>
    kinds.push(new DataView(payload.buffer).getUint8(payload.byteOffset)),
  );
  await story.clock.run(
    (async () => {
      const listen = new Uint8Array(new Uint32Array([1]).buffer);
      const reply = await endpoint.request(proc, 0, listen, { rule: matchRules.proc });
      t.is(reply.payload.length, 40);
      story.kernel.proc.emit({ what: 'exec', task: { pid: 2, tgid: 2 } });
      await story.clock.advance(1);
      await endpoint.close();
    })(),
  );
  t.deepEqual(kinds, [2]);
});

test('under memory pressure idempotent requests are repeated until answered', async (t) => {
  const story = new Story({ memory: 'severe', seed: 3 });
  const seen = story.echo();
  const { endpoint } = story.party();
  const options = { idempotent: true, timeoutMs: 10_000 };
  await story.clock.run(
    (async () => {
      for (let count = 0; count < 200; count++) {
        t.is(text(await endpoint.request(ID, 0, bytes(`${count}`), options)), `${count}`);
        await new Promise<void>((resolve) => story.clock.at(story.clock.now() + 1, resolve));
      }
      await endpoint.close();
    })(),
  );
  t.true(seen.calls > 200, `${seen.calls} executions`);
});

test('after an overrun the drops are told, and the queue is drained (semantics 26)', async (t) => {
  const story = new Story();
  const { endpoint, transport } = story.party({
    groups: [20],
    receiveBuffer: 1,
    noEnobufs: false,
    readDelayMs: 5,
  });
  let news = 0;
  endpoint.on(ID, () => (news += 1));
  const send = (): number =>
    story.kernel.connector.cn_netlink_send({ id: ID, seq: 0, ack: 0 }, 0, 20, 'GFP_ATOMIC');
  for (let count = 0; count < 10; count++) send();
  await story.clock.advance(10);
  t.deepEqual([news, transport.drops, endpoint.stats().overrun], [2, 8, 8]);
  t.is(send(), 0);
  await story.clock.advance(10);
  t.is(news, 3);
  await endpoint.close();
});

test('what does not come from the kernel is not believed (semantics 20)', async (t) => {
  const story = new Story();
  const { endpoint, transport } = story.party({ groups: [20] });
  let news = 0;
  endpoint.on(ID, () => (news += 1));
  const forger = story.kernel.process().socket(3, 11);
  if (typeof forger === 'number') throw new Error('no socket');
  forger.sendto(new Uint8Array(36).fill(36, 0, 1), 0, { nl_pid: 0, nl_groups: 1 << 19 });
  await story.clock.advance(1);
  t.deepEqual([news, transport.foreign], [0, 1]);
  t.is(transport.multicast({ bytes: new Uint8Array(4) } as never, 0, 4, 1), 'denied');
  await endpoint.close();
});

test("a process that an agent hangs is busy, and its endpoint's deadlines pass", async (t) => {
  const story = new Story();
  const { connector } = story.kernel;
  connector.cn_add_callback(ID, 'floods', ({ id, seq, ack }, { portid }) => {
    for (let part = 0; part < 4; part++) {
      connector.cn_netlink_send({ id, seq, ack }, portid, 0, 'GFP_KERNEL');
    }
  });
  const { endpoint, process, transport } = story.party({ receiveBuffer: 1 });
  await story.clock.run(
    (async () => {
      await t.throwsAsync(endpoint.request(ID, 0, bytes('?'), { timeoutMs: 100 }));
      t.true(process.hung);
      const error = await t.throwsAsync(endpoint.request(ID, 0, bytes('?'), { timeoutMs: 100 }));
      t.like(error, { outcome: 'not-sent' });
      await endpoint.close();
    })(),
  );
  t.is(transport.drops, 0);
});

test('opening says why it cannot be', (t) => {
  const { kernel } = new Story();
  const nobody = kernel.process({ uid: 1000 });
  t.throws(() => openSimulatedNetlink(nobody, { groups: [2] }), { code: 'refused' });
  t.deepEqual(kernel.procNetNetlink(), [], 'and leaves nothing behind');
  openSimulatedNetlink(kernel.process(), { portid: 5 });
  t.throws(() => openSimulatedNetlink(kernel.process(), { portid: 5 }), { code: 'busy' });
  t.throws(() => openSimulatedNetlink(nobody, { groups: [33] }), { code: 'invalid-argument' });
  const absent = new Story({ connector: false }).kernel.process();
  t.throws(() => openSimulatedNetlink(absent), { code: 'unavailable' });
});
