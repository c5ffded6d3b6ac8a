import test from 'ava';
import { ID, World } from './world.ts';
import { ConnectorError, encodeMessage, matchRules } from '../../index.ts';
import { Slab } from '../../core/slab.ts';
import type { BareMessage } from '../../index.ts';
import type { SimulatedTransport } from '../../transport/simulated/transport.ts';
import { decodeDatagram } from '../../transport/wire/datagram.ts';

/** A peer that knows the 20-byte header and nothing else, told message by message what to do. */
class BarePeer {
  readonly transport: SimulatedTransport;
  readonly received: BareMessage[] = [];

  constructor(world: World, address: number, act: (peer: BarePeer, message: BareMessage) => void) {
    this.transport = world.network.open({ address });
    this.transport.start({
      receive: (slab, start, end, { peer }) => {
        const decoded = decodeDatagram(slab.bytes.slice(start, end));
        if (!decoded.ok) return;
        for (const { cn, payload } of decoded.messages) {
          const message = { ...cn, payload, peer, group: 0, credentials: undefined };
          this.received.push(message);
          act(this, message);
        }
      },
      overrun: () => {},
      received: () => {},
      failed: () => {},
    });
  }

  send(to: BareMessage, seq: number, ack: number, text: string): void {
    const payload = new TextEncoder().encode(text);
    const bytes = encodeMessage({ id: to.id, seq, ack: ack >>> 0, flags: 0 }, payload);
    this.transport.send(new Slab(bytes), 0, bytes.length, to.peer);
  }
}

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (message: BareMessage): string => new TextDecoder().decode(message.payload);

test('a bare request is matched by seq and ack + 1 (P2.3, P2.4)', async (t) => {
  const world = new World();
  await world.run(async () => {
    const client = world.endpoint(200);
    const news: string[] = [];
    client.on(ID, (message) => news.push(text(message)));
    const peer = new BarePeer(world, 100, (self, asked) => {
      self.send(asked, asked.seq, asked.ack, 'ack unchanged');
      self.send(asked, asked.seq + 1, asked.ack + 1, 'other seq');
      self.send(asked, asked.seq, asked.ack + 2, 'ack + 2');
      self.send(asked, asked.seq, asked.ack + 1, 'the answer');
      self.send(asked, asked.seq, asked.ack + 1, 'the answer'); // a duplicate: not news
    });
    const reply = await client.request(ID, 100, bytes('?'));
    t.is(text(reply), 'the answer');
    await world.sleep(10);
    t.deepEqual(news, ['ack unchanged', 'other seq', 'ack + 2']);
    t.is(client.stats().dropped['consumed-reply'], 1);
    t.is(peer.received.length, 1);
    await client.close();
  });
  t.is(await world.timersLeft(), 0);
});

test('seq grows by one per request and ack is drawn anew (P2.1)', async (t) => {
  const world = new World();
  await world.run(async () => {
    const client = world.endpoint(200);
    const peer = new BarePeer(world, 100, (self, asked) => {
      self.send(asked, asked.seq, asked.ack + 1, '');
    });
    for (let count = 0; count < 50; count++) await client.request(ID, 100, bytes('?'));
    const { received } = peer;
    for (let index = 1; index < received.length; index++) {
      t.is(received[index]!.seq, (received[index - 1]!.seq + 1) >>> 0);
    }
    t.is(new Set(received.map((message) => message.ack)).size, received.length);
    await client.close();
  });
});

test('a request is repeated only if it is idempotent (P2.6)', async (t) => {
  const world = new World();
  await world.run(async () => {
    const client = world.endpoint(200);
    let asked = 0;
    const peer = new BarePeer(world, 100, (self, message) => {
      asked += 1;
      if (asked > 4) self.send(message, message.seq, message.ack + 1, 'at last');
    });
    const options = { timeoutMs: 1_000 };
    const error = await t.throwsAsync(client.request(ID, 100, bytes('once'), options), {
      instanceOf: ConnectorError,
    });
    t.is(error.code, 'deadline-exceeded');
    t.is(error.outcome, 'unknown');
    t.is(asked, 1);
    const reply = await client.request(ID, 100, bytes('again'), { ...options, idempotent: true });
    t.is(text(reply), 'at last');
    const repeated = peer.received.slice(1);
    t.is(repeated.length, 4);
    t.is(new Set(repeated.map(({ seq, ack }) => `${seq} ${ack}`)).size, 1);
    await client.close();
  });
});

test('no peer and a message too long are told apart, and were not sent', async (t) => {
  const world = new World();
  await world.run(async () => {
    const client = world.endpoint(200);
    const nobody = await t.throwsAsync(client.request(ID, 300, bytes('?')), {
      instanceOf: ConnectorError,
    });
    t.is(nobody.code, 'no-peer');
    t.is(nobody.outcome, 'not-sent');
    const long = await t.throwsAsync(client.request(ID, 300, new Uint8Array(70_000)), {
      instanceOf: ConnectorError,
    });
    t.is(long.code, 'too-big');
    await client.close();
  });
});

test('w1: data carries seq + 1, the status the ack unchanged and ends the reply', async (t) => {
  const world = new World();
  await world.run(async () => {
    const client = world.endpoint(200);
    new BarePeer(world, 100, (self, asked) => {
      self.send(asked, asked.seq, asked.seq + 1, 'data 1');
      self.send(asked, asked.seq, asked.seq + 1, 'data 2');
      self.send(asked, asked.seq, asked.ack, 'status');
    });
    const parts: string[] = [];
    const options = { rule: matchRules.w1 };
    for await (const part of client.requestParts(ID, 100, bytes('search'), options)) {
      parts.push(text(part));
    }
    t.deepEqual(parts, ['data 1', 'data 2', 'status']);
    t.is(client.stats().bareRequests, 0);
    await client.close();
  });
});

test('proc: any seq, ack + 1', async (t) => {
  const world = new World();
  await world.run(async () => {
    const client = world.endpoint(200);
    new BarePeer(world, 100, (self, asked) => self.send(asked, 16_564, asked.ack + 1, 'ack'));
    const reply = await client.request(ID, 100, bytes('listen'), { rule: matchRules.proc });
    t.is(reply.seq, 16_564);
    await client.close();
  });
});

test('a bare service and a session service live at the same address', async (t) => {
  const world = new World();
  await world.run(async () => {
    const server = world.endpoint(100);
    const other = { idx: 21, val: 1 };
    server.on(other, (message) => server.reply(message, message.payload));
    server.serve(ID, { ping: () => 'pong' });
    const client = world.endpoint(200);
    const reply = await client.request(other, 100, bytes('hello'));
    t.is(text(reply), 'hello');
    const connection = await client.connect(ID, { peer: 100 });
    t.is(await connection.call('ping'), 'pong');
    await client.close();
    await server.close();
  });
});
