import test from 'ava';
import { Wiretap } from './wiretap.ts';
import { deferred, ID, World } from './world.ts';
import { createEndpoint, SeededRandom, type Connection } from '../../index.ts';
import { align4, LITTLE_ENDIAN, type Slab } from '../../core/slab.ts';
import { CN_MSG_HEADER, cnMsgFlags, cnMsgLength } from '../../transport/wire/cnmsg.ts';
import * as frame from '../../transport/wire/frame.ts';

// A peer that leaves out what this side waits for, and acknowledges every PING, holds up no close.

const SILENCE = 2_000;
/** No budget: it is waited for as long as it takes. */
const NEVER = { timeoutMs: Infinity };

/** Changes every message of a kind, given where its payload begins. */
function altering(kind: number, change: (datagram: Slab, at: number) => void) {
  return (slab: Slab): void => {
    const end = slab.bytes.length;
    if (cnMsgFlags(slab, frame.ENVELOPE_CN) !== frame.DATA) return;
    for (let at = frame.ENVELOPE_CN; at + CN_MSG_HEADER <= end;) {
      if (cnMsgFlags(slab, at) === kind) change(slab, at + CN_MSG_HEADER);
      at += CN_MSG_HEADER + align4(cnMsgLength(slab, at));
    }
  };
}

const behindAGap = altering(frame.REQUEST, ({ view }, at) => {
  if (view.getUint16(at + frame.REQUEST_CHANNEL, LITTLE_ENDIAN) === 0) return;
  view.setUint32(at + frame.REQUEST_POSITION, 1, LITTLE_ENDIAN);
});
const withoutItsValue = altering(frame.REQUEST, ({ view }, at) => {
  if (view.getUint16(at + frame.REQUEST_CHANNEL, LITTLE_ENDIAN) === 0) return;
  view.setUint8(at + frame.REQUEST_FORMAT, frame.REQUEST_IN_PIECES);
});
const messageBehindAGap = altering(frame.SEND, ({ view }, at) => {
  view.setUint32(at + frame.REQUEST_POSITION, 1, LITTLE_ENDIAN);
});
const withoutCredit = altering(frame.REPLY_CREDIT, ({ view }, at) => {
  view.setUint32(at + frame.CREDIT_LIMIT, 0, LITTLE_ENDIAN);
});

interface Story {
  readonly alter: (datagram: Slab) => void;
  readonly call: (connection: Connection) => Promise<unknown>;
  /** How long another handler runs before all that is left is the peer's, ms. */
  readonly busyMs: number;
}

/** Closes a service that a peer holds up; gives how long it took and what its call came to. */
async function closed(story: Story): Promise<{ tookMs: number; came: unknown; ran: string[] }> {
  const world = new World({ faults: { delayMs: { min: 0.5, max: 0.5 } } });
  return world.run(async () => {
    const ran: string[] = [];
    const started = deferred();
    const server = world.endpoint(100, { silenceMs: SILENCE });
    const serving = server.serve(ID, {
      work: async () => {
        started.resolve();
        await world.sleep(story.busyMs);
        ran.push('work');
      },
      note: () => ran.push('note'),
      large: () => new Uint8Array(1_000_000),
    });
    const tap = new Wiretap(world.network.open({ address: 200 }));
    tap.alter = story.alter;
    const random = new SeededRandom(1);
    const client = createEndpoint({ transport: tap, clock: world.clock, random });
    const connection = await client.connect(ID, { peer: 100 });
    const work = connection.call('work', undefined, NEVER);
    const came = story.call(connection).catch((error: unknown) => error);
    await started.promise;
    await world.sleep(50);
    const start = world.clock.now();
    await Promise.race([serving.close(), world.sleep(60_000)]);
    const tookMs = world.clock.now() - start;
    server.destroy();
    await work;
    const result = { tookMs, came: await came, ran };
    client.destroy();
    return result;
  });
}

const refused = { code: 'closed', outcome: 'not-executed' };

test('P7.3: a close waits for a handler, and a bounded time for a gap that stays', async (t) => {
  const call = (connection: Connection): Promise<unknown> =>
    connection.call('note', undefined, { ...NEVER, channel: 'a' });
  for (const busyMs of [0, 20_000]) {
    const { tookMs, came, ran } = await closed({ alter: behindAGap, call, busyMs });
    t.true(tookMs > busyMs + SILENCE - 100 && tookMs < busyMs + SILENCE + 100, `${tookMs} ms`);
    t.like(came, refused);
    t.deepEqual(ran, ['work']);
  }
});

test('P7.3: a close does not wait for ever for a value that does not come', async (t) => {
  const call = (connection: Connection): Promise<unknown> =>
    connection.call('note', undefined, { ...NEVER, channel: 'a' });
  const { tookMs, came, ran } = await closed({ alter: withoutItsValue, call, busyMs: 0 });
  t.true(tookMs < SILENCE + 100, `${tookMs} ms`);
  t.like(came, refused);
  t.deepEqual(ran, ['work']);
});

test('P7.3: what was accepted behind a gap that stays runs before the close', async (t) => {
  const call = (connection: Connection): Promise<unknown> =>
    connection.send('note', undefined, { ...NEVER, channel: 'a' });
  const { tookMs, came, ran } = await closed({ alter: messageBehindAGap, call, busyMs: 0 });
  t.true(tookMs > SILENCE - 100 && tookMs < SILENCE + 100, `${tookMs} ms`);
  t.is(came, undefined);
  t.deepEqual(ran, ['work', 'note']);
});

test('P7.3: a reply that its caller does not take is let go, and the call ran', async (t) => {
  const call = (connection: Connection): Promise<unknown> =>
    connection.call('large', undefined, NEVER);
  const { tookMs, came } = await closed({ alter: withoutCredit, call, busyMs: 0 });
  t.true(tookMs < SILENCE + 100, `${tookMs} ms`);
  t.like(came, { code: 'reply-evicted', outcome: 'executed' });
});
