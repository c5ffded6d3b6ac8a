import test from 'ava';
import { Hand } from '../../fuzz/hand.ts';
import { createEndpoint, SeededRandom, VirtualClock } from '../../../index.ts';
import type { Connection, Drop, Endpoint, Serving } from '../../../index.ts';
import { Slab } from '../../../core/slab.ts';
import { stampChecksum } from '../../../transport/wire/checksum.ts';
import { cnMsgFlags } from '../../../transport/wire/cnmsg.ts';
import * as frame from '../../../transport/wire/frame.ts';

const ID = { idx: 20, val: 0 };
const SERVER = 1;
const CLIENT = 2;

/** A server and a client whose datagrams pass through our hands. */
class Table {
  readonly clock: VirtualClock = new VirtualClock();
  readonly hands: readonly [Hand, Hand];
  readonly server: Endpoint;
  readonly client: Endpoint;
  readonly serving: Serving;
  ran = 0;

  constructor(intact: boolean) {
    const { clock } = this;
    this.hands = [new Hand(SERVER, intact), new Hand(CLIENT, intact)];
    const [server, client] = this.hands;
    this.server = createEndpoint({ transport: server, clock, random: new SeededRandom(1) });
    this.client = createEndpoint({ transport: client, clock, random: new SeededRandom(2) });
    this.serving = this.server.serve(ID, {
      run: () => {
        this.ran += 1;
      },
    });
  }

  /** What one side sent, taken from the wire. */
  async sent(side: 0 | 1): Promise<Uint8Array[]> {
    await this.clock.advance(0);
    return this.hands[side].sent.splice(0).map(({ bytes }) => bytes);
  }

  /** Hands a datagram to one side; gives why it was dropped, if it was. */
  give(side: 0 | 1, bytes: Uint8Array, from: number = side === 0 ? CLIENT : SERVER): Drop | 'good' {
    const endpoint = side === 0 ? this.server : this.client;
    const before = endpoint.stats().dropped;
    const { sink } = this.hands[side];
    const source = { peer: from, group: 0, credentials: undefined };
    sink!.receive(new Slab(bytes.slice()), 0, bytes.length, source);
    sink!.received();
    const after = endpoint.stats().dropped;
    const reasons = (Object.keys(after) as Drop[]).filter((why) => after[why] !== before[why]);
    return reasons[0] ?? 'good';
  }

  /** Connects; then the client has called `run` and this is its DATA, not yet handed over. */
  async call(): Promise<{ readonly data: Uint8Array; readonly connection: Connection }> {
    const connecting = this.client.connect(ID, { peer: SERVER });
    this.give(0, (await this.sent(1))[0]!);
    this.give(1, (await this.sent(0))[0]!);
    await this.clock.advance(0);
    for (const bytes of await this.sent(1)) this.give(0, bytes);
    const connection = await connecting;
    connection.call('run').catch(() => {});
    const data = (await this.sent(1)).find((bytes) => bytes.length > frame.DATA_BITMAP + 20);
    return { data: data!, connection };
  }
}

/** A copy with something changed, its checksum made good. */
function changed(bytes: Uint8Array, change: (view: DataView, slab: Slab) => void): Uint8Array {
  const slab = new Slab(bytes.slice());
  change(slab.view, slab);
  return slab.bytes;
}

function kindOf(bytes: Uint8Array): number {
  return cnMsgFlags(new Slab(bytes), frame.ENVELOPE_CN);
}

/** The cn_msg of the request behind an envelope. */
function requestAt(bytes: Uint8Array): number {
  return frame.ENVELOPE + new DataView(bytes.buffer).getUint16(32, true);
}

test('another version is dropped, with another magic it is a bare peer (P3.1)', async (t) => {
  const table = new Table(true);
  const { data } = await table.call();
  t.is(table.give(0, changed(data, (view) => view.setUint32(36, 0x636e7202, true))), 'version');
  const bare: Drop = 'unexpected'; // nobody listens to bare peers here
  t.is(table.give(0, changed(data, (view) => view.setUint32(36, 0x646e7201, true))), bare);
  t.is(table.give(0, changed(data, (view) => view.setUint16(34, 5, true))), bare);
  t.is(table.ran, 0);
  t.is(table.give(0, data), 'good');
  t.is(table.ran, 1);
});

const malformed: readonly [string, (view: DataView, at: number) => void][] = [
  ['an unknown envelope', (view) => view.setUint16(34, 0x8006, true)],
  ['an envelope shorter than its kind', (view) => view.setUint16(32, 20, true)],
  ['an envelope that is no whole number of words', (view) => view.setUint16(32, 42, true)],
  ['an unknown message', (view, at) => view.setUint16(at + 18, 0x801f, true)],
  ['a message without the flag', (view, at) => view.setUint16(at + 18, 0x0011, true)],
  ['a message of another id', (view, at) => view.setUint32(at, 99, true)],
  ['a message shorter than its kind', (view, at) => view.setUint16(at + 16, 11, true)],
  ['a message that goes too far', (view, at) => view.setUint16(at + 16, 99, true)],
  ['a method longer than its message', (view, at) => view.setUint8(at + 20 + 6, 9)],
  ['an opening shorter than its kind', (view) => view.setUint16(34, frame.OPEN, true)],
];

for (const [what, change] of malformed) {
  test(`a datagram with ${what} is dropped before it has any effect (P3.2)`, async (t) => {
    const table = new Table(true);
    const { data } = await table.call();
    const bad = changed(data, (view) => change(view, requestAt(data)));
    // The opening is cut as well: its length is that of the datagram.
    const cut = what.startsWith('an opening') ? changed(bad.subarray(0, 76), (view) => {
      view.setUint32(0, 76, true);
      view.setUint16(32, 40, true);
    }) : bad;
    t.is(table.give(0, cut), 'malformed');
    t.is(table.ran, 0);
    t.is((await table.sent(0)).length, 0, 'nothing is acknowledged or answered');
    t.is(table.give(0, data), 'good', 'its number was not used up');
    t.is(table.ran, 1);
  });
}

test('a bitmap of more than 16 words is no bitmap (P3.2)', async (t) => {
  const table = new Table(true);
  const { data } = await table.call();
  const at = requestAt(data);
  const withWords = (words: number): Uint8Array => {
    const bitmap = new Uint8Array(4 * words);
    const parts = [data.subarray(0, frame.DATA_BITMAP), bitmap, data.subarray(at)];
    return changed(new Uint8Array(Buffer.concat(parts)), (view) => {
      view.setUint32(0, view.byteLength, true);
      view.setUint16(32, frame.DATA_BITMAP - frame.ENVELOPE + 4 * words, true);
    });
  };
  t.is(table.give(0, withWords(17)), 'malformed');
  t.is(table.give(0, withWords(16)), 'good');
  t.is(table.ran, 1);
});

test('an envelope shorter than its kind is none, whatever its fields spell (P3.2)', async (t) => {
  const table = new Table(true);
  const { data } = await table.call();
  // Cut to 20 bytes, its floor, base, delay, grant and late are the header of a CLOSE of our id.
  const bad = changed(data.subarray(0, frame.DATA_BITMAP), (view) => {
    view.setUint32(0, frame.DATA_BITMAP, true);
    view.setUint32(24, ID.idx, true);
    view.setUint16(32, 20, true);
    view.setUint32(frame.DATA_FLOOR, ID.idx, true);
    view.setUint32(frame.DATA_ACK_BASE, ID.val, true);
    view.setUint16(frame.DATA_LATE, 0, true);
    view.setUint16(frame.DATA_RESERVED, frame.CLOSE, true);
  });
  t.is(table.give(0, bad), 'malformed');
  t.is(table.server.stats().sessions, 1);
});

test('a datagram of another id than its session has is dropped (P3.2)', async (t) => {
  const table = new Table(true);
  const { data } = await table.call();
  const bad = changed(data, (view) => {
    for (const at of [16, requestAt(data)]) view.setUint32(at, 99, true);
  });
  t.is(table.give(0, bad), 'malformed');
  t.is(table.give(0, data), 'good');
  t.is(table.ran, 1);
});

test('a request in the datagram that ends the session leaves nothing behind (P7.3)', async (t) => {
  const table = new Table(true);
  const { data, connection } = await table.call();
  table.give(0, data);
  for (let turn = 0; turn < 6; turn++) {
    await table.clock.advance(5);
    for (const bytes of await table.sent(0)) table.give(1, bytes);
    for (const bytes of await table.sent(1)) table.give(0, bytes);
  }
  const closed = table.serving.close();
  for (const bytes of await table.sent(0)) table.give(1, bytes);
  connection.call('run').catch(() => {});
  const [last] = await table.sent(1);
  t.true(last!.length > frame.DATA_BITMAP, 'it acknowledges CLOSE and asks for more');
  table.give(0, last!);
  await closed;
  t.is(table.ran, 1);
  t.like(table.server.stats(), { sessions: 0, requestsHeld: 0, repliesKept: 0 });
});

test('where bytes do not stay intact, damage anywhere is noticed (P3.3)', async (t) => {
  const table = new Table(false);
  const { data } = await table.call();
  const dropped = new Set<string>();
  for (let at = 0; at < data.length; at++) {
    const damaged = data.slice();
    damaged[at]! ^= 0x40;
    dropped.add(table.give(0, damaged));
  }
  t.false(dropped.has('good'));
  t.true(dropped.has('checksum'));
  t.is(table.ran, 0);
  t.is(table.give(0, data), 'good');
  t.is(table.ran, 1);
});

test('where they do, the checksum is 0 and is not looked at (P3.3)', async (t) => {
  const table = new Table(true);
  const { data } = await table.call();
  t.is(new DataView(data.buffer).getUint32(frame.AT_CHECKSUM, true), 0);
  t.is(table.give(0, changed(data, (_view, slab) => stampChecksum(slab, 0, data.length))), 'good');
});

test('OPEN is repeated unchanged, and the same offer answers it (P4.1, P4.2)', async (t) => {
  const table = new Table(true);
  const connecting = table.client.connect(ID, { peer: SERVER, timeoutMs: 1000 });
  const [open] = await table.sent(1);
  await table.clock.advance(500);
  const again = await table.sent(1);
  t.true(again.length > 0);
  for (const bytes of again) t.deepEqual(bytes, open);
  t.is(table.give(0, open!), 'good');
  t.is(table.give(0, open!), 'good');
  const [first, second] = await table.sent(0);
  t.deepEqual(second, first);
  t.is(table.server.stats().sessions, 0);
  table.give(1, first!);
  await connecting;
});

test('OPENED is taken only if it answers an OPEN, from where that went (P4.3)', async (t) => {
  const table = new Table(true);
  const connecting = table.client.connect(ID, { peer: SERVER });
  table.give(0, (await table.sent(1))[0]!);
  const opened = (await table.sent(0))[0]!;
  const wrong: ((view: DataView) => void)[] = [
    (view) => view.setUint32(24, view.getUint32(24, true) + 1, true),
    (view) => view.setUint32(28, view.getUint32(28, true) + 1, true),
    (view) => view.setUint32(frame.AT_SESSION, view.getUint32(frame.AT_SESSION, true) ^ 1, true),
  ];
  for (const change of wrong) t.is(table.give(1, changed(opened, change)), 'unexpected');
  t.is(table.give(1, opened, 77), 'unexpected');
  t.is(table.give(1, opened), 'good');
  t.is(table.give(1, opened), 'unexpected');
  await connecting;
});

test('DATA with a wrong tag, address or source is answered with RESET (P4.6)', async (t) => {
  const table = new Table(true);
  const { data } = await table.call();
  // [what is wrong, why it is dropped, what the client makes of the RESET]
  const wrong: readonly [number, Drop, Drop][] = [
    [28, 'wrong-tag', 'wrong-tag'],
    [frame.AT_SOURCE, 'wrong-tag', 'unexpected'],
  ];
  for (const [at, reason, disbelief] of wrong) {
    const flip = (view: DataView): void => view.setUint32(at, view.getUint32(at, true) ^ 1, true);
    t.is(table.give(0, changed(data, flip)), reason);
    const answers = await table.sent(0);
    t.deepEqual(answers.map(kindOf), [frame.RESET]);
    t.is(answers[0]!.length, frame.REFUSAL_LENGTH);
    t.is(table.give(1, answers[0]!), disbelief, 'it shows no tag of a session (P4.7)');
    t.deepEqual(await table.sent(1), [], 'and nothing answers it');
  }
  t.is(table.give(0, data, 77), 'wrong-tag');
  t.is(table.give(0, data), 'good');
  t.is(table.ran, 1);
});

test('a RESET that shows our tag ends the session, from its peer alone (P4.6, P4.7)', async (t) => {
  const table = new Table(true);
  const { data } = await table.call();
  const bad = changed(data, (view) => view.setUint32(frame.AT_SESSION, 7, true));
  t.is(table.give(0, bad), 'unknown-session');
  const [reset] = await table.sent(0);
  t.is(table.give(1, reset!, 77), 'unexpected');
  t.is(table.client.stats().sessions, 1);
  t.is(table.give(1, reset!), 'good');
  await table.clock.advance(0);
  t.is(table.client.stats().sessions, 0);
  t.is(table.give(1, reset!), 'unexpected');
});

test('a dead client with a request behind a gap keeps no server from closing (P7.3)', async (t) => {
  const table = new Table(true);
  const { data } = await table.call();
  const at = requestAt(data) + 20;
  const gap = changed(data, (view) => {
    view.setUint32(at + frame.REQUEST_BUDGET, frame.BUDGET_NONE, true);
    view.setUint16(at + frame.REQUEST_CHANNEL, 1, true);
    view.setUint32(at + frame.REQUEST_POSITION, 1, true);
  });
  t.is(table.give(0, gap), 'good');
  let closed = false;
  void table.server.close().then(() => {
    closed = true;
  });
  for (let second = 0; second < 900 && !closed; second++) {
    await table.clock.advance(1000);
    for (const bytes of await table.sent(0)) table.give(1, bytes);
  }
  t.true(closed);
  t.is(table.ran, 0);
});
