import test from 'ava';
import { ID, World } from './world.ts';
import { createEndpoint, encodeMessage, matchRules, SeededRandom } from '../../index.ts';
import type { Random } from '../../index.ts';
import { Slab } from '../../core/slab.ts';
import type { Sink, Transport } from '../../transport/transport.ts';
import { decodeDatagram, type Message } from '../../transport/wire/datagram.ts';

const NOTHING = new Uint8Array(0);

/** Listens at a transport, for the first message of each datagram. */
function listen(transport: Transport, heard: (message: Message) => void): void {
  const sink: Sink = {
    receive: (slab, start, end) => {
      const decoded = decodeDatagram(slab.bytes.slice(start, end));
      if (decoded.ok) heard(decoded.messages[0]!);
    },
    overrun: () => {},
    received: () => {},
    failed: () => {},
  };
  transport.start(sink);
}

function answer(from: Transport, { cn }: Message, ack: number, text: string): void {
  const header = { id: ID, seq: cn.seq, ack: ack >>> 0, flags: 0 };
  const bytes = encodeMessage(header, new TextEncoder().encode(text));
  from.send(new Slab(bytes), 0, bytes.length, 200);
}

test('P2.2: what another peer sends is no reply, whatever its seq and ack', async (t) => {
  const world = new World();
  await world.run(async () => {
    const client = world.endpoint(200);
    const news: number[] = [];
    client.on(ID, ({ peer }) => news.push(peer));
    const [agent, stranger] = [world.network.open({ address: 100 }), world.network.open()];
    listen(stranger, () => {});
    listen(agent, (message) => {
      answer(stranger, message, message.cn.ack + 1, 'false');
      answer(agent, message, message.cn.ack + 1, 'true');
    });
    const reply = await client.request(ID, 100, NOTHING);
    t.is(new TextDecoder().decode(reply.payload), 'true');
    await world.sleep(5);
    t.deepEqual(news, [stranger.address]);
    await client.close();
  });
});

test('P2.5: an ack that w1 would take for data is drawn again', async (t) => {
  const world = new World();
  await world.run(async () => {
    const seeded = new SeededRandom(1);
    const planned: number[] = [];
    const random: Random = { u32: () => planned.shift() ?? seeded.u32() };
    const transport = world.network.open({ address: 200 });
    const client = createEndpoint({ transport, clock: world.clock, random });
    const agent = world.network.open({ address: 100 });
    const heard: Message[] = [];
    listen(agent, (message) => {
      heard.push(message);
      answer(agent, message, message.cn.ack, ''); // the status: the ack unchanged
    });
    const options = { rule: matchRules.w1 };
    await client.request(ID, 100, NOTHING, options);
    const { seq } = heard[0]!.cn;
    planned.push((seq + 2) >>> 0, 4_711); // the next seq is seq + 1
    await client.request(ID, 100, NOTHING, options);
    t.is(heard[1]!.cn.ack, 4_711);
    await client.close();
  });
});
