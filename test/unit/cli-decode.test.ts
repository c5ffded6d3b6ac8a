import test from 'ava';
import { describe, type Description } from '../../cli/decode/session.ts';
import { textOf } from '../../cli/decode/text.ts';
import { Slab } from '../../core/slab.ts';
import { decodeDatagram, encodeMessage } from '../../transport/wire/datagram.ts';
import { stampChecksum } from '../../transport/wire/checksum.ts';
import * as frame from '../../transport/wire/frame.ts';
import { writeOpening, writeRefusal } from '../../transport/wire/handshake.ts';
import { createEndpoint } from '../../sessions/endpoint.ts';
import { VirtualClock } from '../../core/virtual-clock.ts';
import { SeededRandom } from '../../core/random.ts';
import { Wiretap } from '../simulation/wiretap.ts';
import { SimulatedNetwork } from '../../transport/simulated/network.ts';

const ID = { idx: 20, val: 1 };
const incarnation = { high: 0x0102_0304, low: 0x0506_0708 };

function described(bytes: Uint8Array): Description {
  const decoded = decodeDatagram(bytes);
  if (!decoded.ok) throw new Error(decoded.reason);
  return describe(bytes, decoded);
}

test('a bare message is its two headers and its payload', (t) => {
  const bytes = encodeMessage({ id: ID, seq: 7, ack: 8, flags: 1 }, new Uint8Array([1, 2, 3]));
  t.deepEqual(described(bytes), {
    session: false,
    trailing: 0,
    messages: [{
      nlmsg: { length: 39, type: 3, flags: 0, seq: 7, pid: 0 },
      cn: { id: '20:1', seq: 7, ack: 8, length: 3, flags: 1 },
      payload: '010203',
    }],
  });
  t.deepEqual(textOf(described(bytes)), [
    'nlmsghdr  length 39  type 3  flags 0  seq 7  pid 0',
    'cn_msg    id 20:1  seq 7  ack 8  length 3  flags 0x1',
    'payload   010203',
  ]);
});

test('the handshake is explained field by field, its checksum checked', (t) => {
  const slab = new Slab(frame.OPEN_LENGTH);
  const opening = {
    id: ID, seq: 1, ack: 2, session: 0, source: 3, tag: 4, incarnation, firstNumber: 5, firstSeq: 6,
    grant: 7, window: 8,
    valueMax: 9, credit: 10,
  };
  writeOpening(slab, frame.OPEN, opening);
  const fields = {
    magic: '0x636e7201', session: 0, source: 3, checksum: 'none', tag: 4,
    incarnation: '0x0102030405060708', firstNumber: 5, firstSeq: 6, grant: 7, window: 8,
    valueMax: 9, credit: 10,
  };
  t.like(described(slab.bytes), { session: true, messages: [{ kind: 'OPEN', fields }] });
  stampChecksum(slab, 0, frame.OPEN_LENGTH);
  t.regex(String(described(slab.bytes).messages[0]!.fields!['checksum']), /^0x[0-9a-f]{8} right$/);
  slab.bytes[frame.OPEN_TAG]! ^= 1;
  t.regex(String(described(slab.bytes).messages[0]!.fields!['checksum']), / wrong$/);
});

test('a refusal says why', (t) => {
  const slab = new Slab(frame.REFUSAL_LENGTH);
  const refusal = { id: ID, seq: 1, ack: 2, session: 3, incarnation };
  writeRefusal(slab, frame.REFUSED, { ...refusal, reason: frame.REASON_DENIED });
  t.like(described(slab.bytes).messages[0], { kind: 'REFUSED', fields: { reason: 'denied' } });
  writeRefusal(slab, frame.RESET, { ...refusal, reason: 77 });
  t.like(described(slab.bytes).messages[0], { kind: 'RESET', fields: { reason: 'unknown (77)' } });
});

test('what a session sends is told message by message', async (t) => {
  const clock = new VirtualClock();
  const network = new SimulatedNetwork({ clock });
  const random = new SeededRandom(1);
  const seen: Description[] = [];
  const open = (address: number): ReturnType<typeof createEndpoint> => {
    const transport = network.open({ address });
    const send = transport.send.bind(transport);
    transport.send = (slab, start, end, peer) => {
      seen.push(described(slab.bytes.slice(start, end)));
      return send(slab, start, end, peer);
    };
    return createEndpoint({ transport, clock, random: random.fork(`${address}`) });
  };
  const server = open(1);
  const client = open(2);
  server.serve(ID, { double: (value) => 2 * Number(value) });
  await clock.run((async () => {
    const connection = await client.connect(ID, { peer: 1 });
    t.is(await connection.call('double', 21, { channel: 'a', timeoutMs: 5 }), 42);
    await connection.close();
    await client.close();
    await server.close();
  })());
  const messages = seen.flatMap((datagram) => datagram.messages);
  const of = (kind: string): object[] => messages.filter((message) => message.kind === kind);
  t.like(of('REQUEST')[0], {
    fields: { method: 'double', format: 'json', budgetUs: 5000, channel: 1, position: 0 },
    payload: Buffer.from('21').toString('hex'),
  });
  t.like(of('REPLY')[0], {
    fields: { status: 'ok', format: 'json' },
    payload: Buffer.from('42').toString('hex'),
  });
  t.true(of('OPENED').length > 0 && of('CLOSE').length > 0);
  t.like(of('DATA')[0], { fields: { number: 0 } });
  for (const datagram of seen) {
    t.is(datagram.malformed, undefined);
    for (const line of textOf(datagram)) t.true(line.length <= 80, line);
  }
});

test('a session datagram that is none is told so, and headers are shown all the same', (t) => {
  const magic = new Uint8Array(4);
  new Slab(magic).view.setUint32(0, frame.MAGIC, true);
  const { session, malformed, messages } = described(
    encodeMessage({ id: ID, seq: 1, ack: 2, flags: frame.OPEN }, magic),
  );
  t.true(session);
  t.is(malformed, 'nothing in a session has flags 0x8001 and 40 bytes in all');
  t.is(messages.length, 1);
});

test('bytes of a peer reach no terminal as they are', (t) => {
  const message = described(encodeMessage({ id: ID, seq: 1, ack: 2, flags: 0 }, new Uint8Array(0)));
  const fields = { method: '\u001b[2J\u0007' };
  const [first] = message.messages;
  const lines = textOf({ ...message, messages: [{ ...first!, kind: 'REQUEST', fields }] });
  t.true(lines.includes('REQUEST   method ?[2J?'));
});

test('events are explained with their topics', async (t) => {
  const network = new SimulatedNetwork({ clock: new VirtualClock() });
  const clock = new VirtualClock();
  const tap = new Wiretap(network.open());
  const multicasts: Uint8Array[] = [];
  tap.multicast = (slab, start, end) => {
    multicasts.push(slab.bytes.slice(start, end));
    return 'sent';
  };
  const endpoint = createEndpoint({ transport: tap, clock, random: new SeededRandom(1) });
  const publisher = endpoint.publisher(ID);
  void publisher.publish('disk', { full: true });
  void publisher.publish('', new Uint8Array([1, 2]));
  await clock.advance(0);
  const { messages, malformed } = described(multicasts[0]!);
  t.is(malformed, undefined);
  const fields = {
    stream: `0x${publisher.stream}`, number: 1, ageMs: 0, withinMs: 2, ended: 'no',
  };
  t.like(messages[0], { kind: 'EVENT', fields });
  t.like(messages[1], { kind: 'NEWS', fields: { topic: 'disk', format: 'json' } });
  t.like(messages[2], { kind: 'NEWS', fields: { topic: '', format: 'bytes' }, payload: '0102' });
  endpoint.destroy();
});
