import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { W1Double } from './w1-double.ts';
import { World } from '../../simulation/world.ts';
import { EVENTS_MAX } from '../../../agents/w1/events.ts';
import { rule } from '../../../agents/w1/exchange.ts';
import { decodeSlaveId, encodeSlaveId } from '../../../agents/w1/slave-id.ts';
import { COMMANDS_MAX, W1, type Command, type W1Event } from '../../../agents/w1/w1.ts';
import { decodeCommands, decodeMessages } from '../../../agents/w1/wire.ts';
import { ConnectorError, createEndpoint, decodeDatagram, SeededRandom } from '../../../index.ts';
import type { Endpoint } from '../../../index.ts';

const FIRST = '01-0000cafe0001';
const SECOND = '01-0000cafe0002';
const THERE = { master: 1 };
const HOUR = { timeoutMs: 3_600_000 };

/** Runs a story with a client at a world's kernel; all timers must be gone afterwards. */
async function story(
  t: ExecutionContext,
  tell: (w1: W1, kernel: W1Double, endpoint: Endpoint, world: World) => Promise<void>,
): Promise<void> {
  const world = new World();
  await world.run(async () => {
    const kernel = new W1Double(world.network);
    kernel.masters.push(1);
    const transport = world.network.open({ address: 200 });
    transport.join(3);
    const random = new SeededRandom(1);
    const endpoint = createEndpoint({ transport, clock: world.clock, random });
    await tell(new W1(endpoint), kernel, endpoint, world);
    await endpoint.close();
  });
  t.is(await world.timersLeft(), 0);
}

function bytes(hex: string): Uint8Array {
  return new Uint8Array(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
}

test('what a real kernel sent is read: masters, slaves, a status, an event', (t) => {
  // real-kernel §7, Debian 6.1
  const read = (hex: string) => {
    const decoded = decodeDatagram(bytes(hex));
    t.true(decoded.ok);
    return decodeMessages(decoded.ok ? decoded.messages[0]!.payload : new Uint8Array(0));
  };
  const [masters] = read(
    '34000000 03000000 12020000 00000000 03000000 01000000 12020000 13020000 10000000' +
      '06000400 1c328482 00000000 01000000',
  );
  t.is(masters!.type, 6);
  t.deepEqual(masters!.data, bytes('01000000'));
  const [slaves] = read(
    '44000000 03000000 1c020000 00000000 03000000 01000000 1c020000 1d020000 20000000' +
      '04001400 01000000 00000000 08001000 010100fe ca000057 010200fe ca00000e',
  );
  const [command] = decodeCommands(slaves!.data);
  t.is(command!.code, 8);
  t.is(decodeSlaveId(command!.data.subarray(0, 8)), FIRST);
  t.is(decodeSlaveId(command!.data.subarray(8)), SECOND);
  const [status] = read(
    '30000000 03000000 44020000 00000000 03000000 01000000 44020000 00700000 0c000000' +
      '04130000 4d000000 00000000',
  );
  t.is(status!.status, 19);
  const [event] = read(
    '30000000 03000000 01000000 00000000 03000000 01000000 01000000 00000000 0c000000' +
      '02000000 01000000 00000000',
  );
  t.is(event!.type, 2);
});

test('what is asked are the commands and bytes of w1_netlink.h', async (t) => {
  await story(t, async (w1, kernel) => {
    const asked: string[] = [];
    kernel.bus = ({ code, data }) => {
      asked.push(`${code} ${data.toString('hex')}`);
      return { status: 0, data: new Uint8Array(0) };
    };
    await w1.slaves(1);
    await w1.read(THERE, 3);
    await w1.write(THERE, bytes('cc4e'));
    t.deepEqual(asked, ['8 ', '0 000000', '1 cc4e']);
  });
});

test('the masters are listed, however many pages they take, and none', async (t) => {
  await story(t, async (w1, kernel) => {
    for (const count of [0, 1, 2, 1015, 1016, 1017, 2032, 3000]) {
      kernel.masters.splice(0, Infinity, ...Array.from({ length: count }, (_, index) => index + 1));
      t.deepEqual(await w1.masters(), kernel.masters);
    }
    kernel.refusal = 12; // ENOMEM
    const error = await t.throwsAsync(w1.masters(), { instanceOf: ConnectorError });
    t.regex(error.message, /ENOMEM/);
    t.is(error.outcome, 'not-executed');
  });
});

test('a list of slaves in parts is put together, without what has a wrong CRC', async (t) => {
  await story(t, async (w1, kernel) => {
    const name = (index: number) => `28-0000000000${(index + 16).toString(16)}`;
    const ids = Array.from({ length: 40 }, (_, index) => name(index));
    kernel.bus = ({ code }) => {
      t.is(code, 2);
      const good = ids.flatMap((id) => [...encodeSlaveId(id)]);
      return { status: 0, data: new Uint8Array([...good, ...bytes('28 00 00 00 00 00 00 00')]) };
    };
    // As where the kernel's estimate of the room was too small: each part repeats the headers.
    kernel.mangle = (payload) => {
      if (payload.length <= 16) return [payload];
      const parts: Buffer[] = [];
      for (let at = 16; at < payload.length; at += 64) {
        const data = payload.subarray(at, at + 64);
        const part = Buffer.concat([payload.subarray(0, 16), data]);
        part.writeUInt16LE(4 + data.length, 2);
        part.writeUInt16LE(data.length, 14);
        parts.push(part);
      }
      return parts;
    };
    t.deepEqual(await w1.search(1), ids);
  });
});

test('each command of a request has its own data and status, whatever fails', async (t) => {
  await story(t, async (w1, kernel) => {
    kernel.bus = ({ code, data }) => {
      if (code === 1) return { status: 5 };
      if (code === 5) return { status: 255 };
      return { status: 0, data: data.fill(code === 0 ? 0xaa : 0xbb) };
    };
    const commands: Command[] = [
      { kind: 'reset' },
      { kind: 'write', data: bytes('cc 44') },
      { kind: 'touch', data: bytes('01 02 03') },
      { kind: 'read', length: 5 },
      { kind: 'read', length: 0 },
    ];
    const results = await w1.run(THERE, commands);
    t.deepEqual(results, [
      { kind: 'reset', status: 255, data: bytes('') },
      { kind: 'write', status: 5, data: bytes('') },
      { kind: 'touch', status: 0, data: bytes('bb bb bb') },
      { kind: 'read', status: 0, data: bytes('aa aa aa aa aa') },
      { kind: 'read', status: 0, data: bytes('') },
    ]);
    t.false(await w1.reset(1));
    const error = await t.throwsAsync(w1.write(THERE, bytes('00')), { instanceOf: ConnectorError });
    t.is(error.code, 'application');
    t.is(error.outcome, 'executed');
    t.regex(error.message, /EIO/);
  });
});

test('what was refused as a whole says that nothing ran', async (t) => {
  await story(t, async (w1, kernel) => {
    kernel.slaves.add(Buffer.from(encodeSlaveId(FIRST)).toString('hex'));
    kernel.bus = ({ data }) => ({ status: 0, data });
    t.deepEqual(await w1.read({ slave: FIRST }, 2), bytes('0000'));
    const commands: Command[] = [
      { kind: 'read', length: 1 },
      { kind: 'read', length: 2 },
    ];
    for (const target of [{ slave: SECOND }, { master: 77 }]) {
      const error = await t.throwsAsync(w1.run(target, commands), { instanceOf: ConnectorError });
      t.is(error.outcome, 'not-executed');
      t.regex(error.message, /ENODEV/);
    }
    t.is(kernel.commands, 1);
    // A slave that is known and does not answer: one status, with the header of the first command.
    kernel.bus = () => ({ status: 19 });
    const gone = await t.throwsAsync(w1.run({ slave: FIRST }, commands), {
      instanceOf: ConnectorError,
    });
    t.is(gone.outcome, 'not-executed');
  });
});

test('misuse is refused before anything is sent', async (t) => {
  await story(t, async (w1, kernel) => {
    const many: Command[] = Array.from({ length: COMMANDS_MAX + 1 }, () => ({ kind: 'reset' }));
    const misused: (() => Promise<unknown>)[] = [
      () => w1.run(THERE, []),
      () => w1.run(THERE, many),
      () => w1.run({ slave: FIRST }, [{ kind: 'search' }]),
      () => w1.run({ slave: '01-CAFE' }, [{ kind: 'read', length: 1 }]),
      () => w1.read(THERE, -1),
      () => w1.read(THERE, 65_536),
      () => w1.reset(-1),
      () => w1.addSlave(1, 'x'),
    ];
    for (const misuse of misused) {
      const error = await t.throwsAsync(misuse(), { instanceOf: ConnectorError });
      t.is(error.code, 'invalid-argument');
    }
    const long = await t.throwsAsync(w1.read(THERE, 65_500), { instanceOf: ConnectorError });
    t.is(long.code, 'too-big');
    t.is(kernel.commands, 0);
  });
});

test('requests go one after the other, and one that fails holds up no other', async (t) => {
  await story(t, async (w1, kernel, endpoint) => {
    kernel.asked = () => t.is(endpoint.stats().bareRequests, 1);
    kernel.mangle = () => []; // silence
    const lost = w1.reset(1, { timeoutMs: 50 });
    const stopped = new AbortController();
    const next = w1.reset(1, { ...HOUR, signal: stopped.signal });
    const error = await t.throwsAsync(lost, { instanceOf: ConnectorError });
    t.is(error.code, 'deadline-exceeded');
    t.is(error.outcome, 'unknown');
    stopped.abort();
    t.is((await t.throwsAsync(next, { instanceOf: ConnectorError })).code, 'cancelled');
    kernel.mangle = (payload) => [payload];
    t.deepEqual(await Promise.all([w1.reset(1), w1.masters(), w1.reset(1)]), [true, [1], true]);
  });
});

test('events are told apart from late answers, and come to every consumer', async (t) => {
  await story(t, async (w1, kernel, endpoint, world) => {
    const end = new AbortController();
    const consume = async (): Promise<W1Event[]> => {
      const events: W1Event[] = [];
      for await (const event of w1.events({ signal: end.signal })) events.push(event);
      return events;
    };
    const consumers = [consume(), consume()];
    await world.sleep(1);
    kernel.event(2, 1, bytes('07000000 00000000'));
    kernel.event(0, 2, encodeSlaveId(FIRST));
    kernel.event(1, 3, encodeSlaveId(FIRST));
    kernel.event(3, 0xffff_ffff, bytes('07000000 00000000'));
    kernel.event(9, 4, bytes('07000000 00000000')); // a type that is not known
    await w1.masters();
    await world.sleep(1);
    end.abort();
    for (const consumer of consumers) {
      t.deepEqual(await consumer, [
        { kind: 'master-added', master: 7 },
        { kind: 'slave-added', slave: FIRST },
        { kind: 'slave-removed', slave: FIRST },
        { kind: 'master-removed', master: 7 },
      ]);
    }
    endpoint.on({ idx: 3, val: 1 }, () => {})(); // the place is free again
  });
});

test('an event answers nothing, even if its seq and ack would fit', (t) => {
  const request = { seq: 0xffff_ffff, ack: 5 };
  const received = { seq: 0xffff_ffff, ack: 0 }; // seq + 1
  t.is(rule(request, received, bytes('06000000 00000000 00000000')), 'part');
  t.is(rule(request, received, bytes('03000000 01000000 00000000')), 'no');
  t.is(rule(request, received, bytes('060000')), 'no');
});

test('a consumer that is too slow finds the gap', async (t) => {
  await story(t, async (w1, kernel, endpoint, world) => {
    const events = w1.events();
    const first = events.next();
    await world.sleep(1);
    const told = EVENTS_MAX + 100;
    for (let count = 0; count < told; count++) {
      kernel.event(2, count, bytes('07000000 00000000'));
      if (count % 100 === 0) await world.sleep(1); // for the queue of the socket
    }
    await world.sleep(1);
    const got = [(await first).value];
    while (got.at(-1)?.kind !== 'lost') got.push((await events.next()).value);
    t.is(got.length, EVENTS_MAX + 2, 'one was waited for');
    kernel.event(3, 0, bytes('08000000 00000000'));
    t.deepEqual((await events.next()).value, { kind: 'master-removed', master: 8 });
    await events.return(undefined);
    t.is(endpoint.stats().overrun, 0);
  });
});

test('an overrun of the socket shows among the events', async (t) => {
  const world = new World();
  await world.run(async () => {
    const kernel = new W1Double(world.network);
    const transport = world.network.open({ address: 200, receiveBuffer: 2304, readDelayMs: 1 });
    transport.join(3);
    const endpoint = createEndpoint({ transport, clock: world.clock, random: new SeededRandom(1) });
    const events = new W1(endpoint).events();
    const first = events.next();
    for (let count = 0; count < 10; count++) kernel.event(2, count, bytes('07000000 00000000'));
    await world.sleep(5);
    kernel.event(3, 10, bytes('07000000 00000000'));
    const kinds = [(await first).value.kind];
    while (kinds.at(-1) !== 'master-removed') kinds.push((await events.next()).value.kind);
    t.true(kinds.includes('lost'), String(kinds));
    await events.return(undefined);
    await endpoint.close();
  });
});

test('a name of a slave and its 8 bytes are each other, and a flipped bit is noticed', (t) => {
  const name = fc.tuple(fc.integer({ min: 0, max: 255 }), fc.bigInt(0n, 2n ** 48n - 1n));
  fc.assert(
    fc.property(name, fc.nat(63), ([family, serial], bit) => {
      const hex = (value: number | bigint) => value.toString(16);
      const id = `${hex(family).padStart(2, '0')}-${hex(serial).padStart(12, '0')}`;
      const encoded = encodeSlaveId(id);
      t.is(decodeSlaveId(encoded), id);
      encoded[bit >>> 3]! ^= 1 << (bit & 7);
      t.is(decodeSlaveId(encoded), undefined);
    }),
  );
});

test('no payload makes the decoders throw, or yield what is not there', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (payload) => {
      let length = 0;
      for (const { data } of decodeMessages(payload)) {
        length += 12 + data.length;
        for (const command of decodeCommands(data)) t.true(command.data.length <= data.length);
      }
      t.true(length <= payload.length);
    }),
  );
});
