import test from 'ava';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { LITTLE_ENDIAN, Slab } from '../../../core/slab.ts';
import type {
  ReleaseName,
  SimulatedSocket,
} from '../../../transport/simulated/connector/kernel.ts';
import {
  encodeProcAck,
  encodeProcEvent,
} from '../../../transport/simulated/connector/proc-event.ts';
import type { ProcEvent } from '../../../transport/simulated/connector/proc-event.ts';
import { packageRoot } from '../../package-root.ts';
import { ask, ID, makeBench, short, words } from './bench.ts';
import type { Bench } from './bench.ts';

// cn_proc: KF §3, §7.

const CN_PROC = { idx: 1, val: 1 };
const [LISTEN, IGNORE] = [1, 2];
const [EXEC, EXIT, NONZERO_EXIT, ALL] = [2, 0x8000_0000, 0x2000_0000, 0xe000_03c7];
const task = { pid: 10, tgid: 10 };
const exec: ProcEvent = { what: 'exec', task };
const exit = (code: number): ProcEvent => ({
  what: 'exit',
  task,
  code,
  signal: 17,
  parent: { pid: 1, tgid: 1 },
});

/** What a listener saw: `what` or `ack ERROR`, with the CPU and its seq. */
function seen(socket: SimulatedSocket): string[] {
  const all = [];
  for (;;) {
    const received = socket.recv(100);
    if (typeof received === 'number') return all;
    const { view } = new Slab(received.bytes);
    const word = (at: number): number => view.getUint32(at, LITTLE_ENDIAN);
    const what = word(36) === 0 ? `ack ${word(52)} of ${word(28)}` : `what ${word(36)}`;
    all.push(`${what}, cpu ${word(40) | 0} seq ${word(24)}`);
  }
}

function control(socket: SimulatedSocket, ...request: number[]): void {
  ask(socket, words(...request), { id: CN_PROC, seq: 4242, ack: 99 });
}

const listener = ({ member }: Bench, ...request: number[]): SimulatedSocket => {
  const socket = member(1);
  if (request.length > 0) control(socket, ...request);
  seen(socket);
  return socket;
};

/** A datagram captured from a real kernel, its proc_event with CPU and time. */
function captured(name: string): { event: Uint8Array; cpu: number; nowMs: number } {
  const file = join(packageRoot, 'test', 'vectors', 'kernel.json');
  const { datagrams } = JSON.parse(readFileSync(file, 'utf8')) as {
    readonly datagrams: readonly { readonly name: string; readonly hex: string }[];
  };
  const { hex } = datagrams.find((each) => each.name === name)!;
  const event = new Uint8Array(Buffer.from(hex, 'hex').subarray(36));
  const { view } = new Slab(event);
  const ns = view.getUint32(8, true) + view.getUint32(12, true) * 2 ** 32;
  return { event, cpu: view.getInt32(4, true), nowMs: ns / 1e6 };
}

const process = (pid: number, tgid = pid): { pid: number; tgid: number } => ({ pid, tgid });
const parent = process(28_862);
const vectors: Record<string, ProcEvent> = {
  fork: { what: 'fork', parent, child: process(28_929) },
  exit_zero: { what: 'exit', task: process(28_929), code: 0, signal: 17, parent },
};
if (LITTLE_ENDIAN) {
  for (const [name, event] of Object.entries(vectors)) {
    test(`KF §7.1: byte for byte what a real kernel sent: ${name}`, (t) => {
      const { event: bytes, cpu, nowMs } = captured(name);
      t.deepEqual(encodeProcEvent(event, cpu, nowMs), bytes);
    });
  }
  test('KF §7.1: byte for byte what a real kernel sent: acknowledgements', (t) => {
    for (const [name, error] of [
      ['ack_listen', 0],
      ['ack_einval', 22],
    ] as const) {
      const { event: bytes, cpu, nowMs } = captured(name);
      t.deepEqual(encodeProcAck(error, cpu, nowMs), bytes);
    }
  });
}

test('KF §7.1: every kind has its bit and its fields', (t) => {
  const tracer = process(5, 6);
  const kinds: [ProcEvent, number, number[]][] = [
    [{ what: 'fork', parent: process(1, 2), child: process(3, 4) }, 1, [1, 2, 3, 4, 0, 0]],
    [{ what: 'exec', task: process(1, 2) }, 2, [1, 2, 0, 0, 0, 0]],
    [{ what: 'uid', task: process(1, 2), real: 3, effective: 4 }, 4, [1, 2, 3, 4, 0, 0]],
    [{ what: 'gid', task: process(1, 2), real: 3, effective: 4 }, 0x40, [1, 2, 3, 4, 0, 0]],
    [{ what: 'sid', task: process(1, 2) }, 0x80, [1, 2, 0, 0, 0, 0]],
    [{ what: 'ptrace', task: process(1, 2), tracer }, 0x100, [1, 2, 5, 6, 0, 0]],
    [
      { what: 'comm', task: process(1, 2), comm: 'abcdefghijklmnopqrs' },
      0x200,
      [1, 2, 0x64636261, 0x68676665, 0x6c6b6a69, 0x006f6e6d],
    ],
    [{ what: 'coredump', task: process(1, 2), parent: tracer }, 0x4000_0000, [1, 2, 5, 6, 0, 0]],
    [
      { what: 'exit', task: process(1, 2), code: 9, signal: 0xffff_ffff, parent: tracer },
      0x8000_0000,
      [1, 2, 9, 0xffff_ffff, 5, 6],
    ],
  ];
  for (const [event, bit, data] of kinds) {
    const got = encodeProcEvent(event, 1, 2);
    const { view } = new Slab(got);
    t.is(view.getUint32(0, LITTLE_ENDIAN), bit, event.what);
    t.deepEqual(
      data.map((_, at) => view.getUint32(16 + 4 * at, LITTLE_ENDIAN)),
      data,
      event.what,
    );
  }
});

const answers: Record<ReleaseName, string> = {
  text: 'ack 0 of 100, cpu -1 seq 4242',
  '2.6.18': 'ack 0 of 100, cpu -1 seq 4242',
  '2.6.24': 'ack 0 of 100, cpu -1 seq 4242',
  '4.2': 'ack 0 of 100, cpu -1 seq 4242',
  '6.1': 'ack 0 of 100, cpu 1 seq 0',
  '6.18': 'ack 0 of 100, cpu 1 seq 0',
};
for (const [release, answer] of Object.entries(answers)) {
  test(`KF §3: on ${release} the acknowledgement of seq 4242 is: ${answer}`, (t) => {
    const { kernel, member } = makeBench({
      release: release as ReleaseName,
      dispatch: 'synchronous',
    });
    const socket = member(1, { cpu: 1 });
    control(socket, LISTEN);
    t.deepEqual(seen(socket), [answer]);
    t.is(kernel.proc.listeners, 1);
  });
}

test('KF §3: an ack of 0xffffffff is acknowledged by 0', (t) => {
  const { member } = makeBench();
  const socket = member(1);
  ask(socket, words(LISTEN), { id: CN_PROC, ack: 0xffff_ffff });
  t.deepEqual(seen(socket), ['ack 0 of 0, cpu 0 seq 0']);
});

test('KF §7.5: each CPU counts by itself, acknowledgements included', (t) => {
  const bench = makeBench();
  const socket = listener(bench, LISTEN);
  for (const cpu of [0, 1, 1, 0]) bench.kernel.proc.emit(exec, cpu);
  const expected = ['cpu 0 seq 1', 'cpu 1 seq 0', 'cpu 1 seq 1', 'cpu 0 seq 2'];
  t.deepEqual(
    seen(socket),
    expected.map((each) => `what 2, ${each}`),
  );
  t.throws(() => bench.kernel.proc.emit(exec, 2), { code: 'invalid-argument' });
});

test("KF §7.5: the gaps in an unfiltered listener's seqs are its drops", (t) => {
  const bench = makeBench();
  const socket = bench.member(1);
  socket.setsockopt(1, 8, 1);
  socket.setsockopt(270, 5, 1);
  control(socket, LISTEN);
  for (let count = 0; count < 50; count++) bench.kernel.proc.emit(exec);
  const before = socket.drops;
  seen(socket);
  bench.kernel.proc.emit(exec);
  t.deepEqual(seen(socket), ['what 2, cpu 0 seq 51']);
  t.is(before, 51 - 2, 'two of 0 … 50 came');
});

test('KF §6.5 #3: an event that cannot be allocated leaves a gap, and no drop', async (t) => {
  const bench = makeBench({ memory: short(0, 1) });
  const socket = listener(bench, LISTEN);
  await bench.clock.advance(10);
  bench.kernel.proc.emit(exec);
  t.deepEqual([seen(socket), socket.drops], [[], 0]);
  const two = makeBench();
  const other = listener(two, LISTEN);
  two.kernel.proc.emit(exec);
  t.deepEqual(seen(other), ['what 2, cpu 0 seq 1']);
});

test('KF §6.5 #6: with no listener no event is sent and no seq is used', (t) => {
  const bench = makeBench();
  const socket = listener(bench);
  bench.kernel.proc.emit(exec);
  t.deepEqual(seen(socket), []);
  control(socket, LISTEN);
  t.deepEqual(seen(socket), ['ack 0 of 100, cpu 0 seq 0']);
});

test('KF §7.2: other lengths than 4 and 8 are ignored, 8 before 6.6, too', (t) => {
  for (const [release, eight] of [
    ['6.18', 1],
    ['6.1', 0],
  ] as const) {
    const { kernel, member } = makeBench({ release });
    const socket = member(1);
    for (const length of [0, 2, 3, 5, 12]) {
      ask(socket, new Uint8Array(length).fill(1), { id: CN_PROC });
    }
    t.is(kernel.proc.listeners, 0);
    control(socket, LISTEN, ALL);
    t.is(kernel.proc.listeners, eight);
  }
});

test('KF §7.2: a bad operation is acknowledged with EINVAL', (t) => {
  const bench = makeBench();
  const socket = listener(bench, LISTEN);
  control(socket, 3);
  t.deepEqual(seen(socket), ['ack 22 of 100, cpu 0 seq 1']);
});

test('KF §7.2: a mask without a known bit means all', (t) => {
  const bench = makeBench();
  const socket = listener(bench, LISTEN, 8);
  bench.kernel.proc.emit(exec);
  bench.kernel.proc.emit(exit(0));
  t.is(seen(socket).length, 2);
});

test('KF §7.3: a filter passes its kinds only, and no acknowledgement, not even its own', (t) => {
  const bench = makeBench();
  const all = listener(bench, LISTEN);
  const filtered = bench.member(1);
  control(filtered, LISTEN, EXEC);
  bench.kernel.proc.emit(exec);
  bench.kernel.proc.emit(exit(0));
  t.deepEqual(seen(filtered), ['what 2, cpu 0 seq 2']);
  t.is(seen(all).length, 3, 'everybody else sees the acknowledgement');
});

test('KF §7.3: NONZERO_EXIT passes exits with a code, EXIT all', (t) => {
  const bench = makeBench();
  const [nonzero, any] = [listener(bench, LISTEN, NONZERO_EXIT), listener(bench, LISTEN, EXIT)];
  for (const code of [0, 256, 9]) bench.kernel.proc.emit(exit(code));
  t.deepEqual([seen(nonzero).length, seen(any).length], [2, 3]);
});

test('KF §7.3: the acknowledgement of IGNORE comes to others only', (t) => {
  const bench = makeBench();
  const [one, other] = [listener(bench, LISTEN), listener(bench, LISTEN)];
  seen(one);
  control(one, IGNORE);
  t.deepEqual([seen(one).length, seen(other).length], [0, 1]);
});

test('KF §7.3: a member that never asked sees everything while somebody listens', (t) => {
  const bench = makeBench();
  const bystander = bench.member(1);
  const asker = bench.member(1);
  control(asker, LISTEN);
  bench.kernel.proc.emit(exec);
  t.is(seen(bystander).length, 2);
});

test('KF §7.4: three LISTEN count once, IGNORE takes it back, a lone one nothing', (t) => {
  const bench = makeBench();
  const { proc } = bench.kernel;
  const socket = bench.member(1);
  for (let count = 0; count < 3; count++) control(socket, LISTEN);
  t.is(proc.listeners, 1);
  control(socket, IGNORE);
  t.is(proc.listeners, 0);
  control(bench.member(1), IGNORE);
  t.is(proc.listeners, 0);
});

test('KF §7.4: anybody mutes everybody: a bad operation, then IGNORE, on a fresh socket', (t) => {
  const bench = makeBench();
  const { proc } = bench.kernel;
  const socket = listener(bench, LISTEN);
  const nobody = bench.member(0, { uid: 65_534 });
  control(nobody, 3);
  control(nobody, IGNORE);
  t.is(proc.listeners, 0);
  seen(socket);
  bench.kernel.proc.emit(exec);
  control(socket, LISTEN);
  t.deepEqual(seen(socket), [], 'no event, no acknowledgement');
  t.is(socket.drops, 0, 'and no drop');
  control(bench.member(1), LISTEN);
  t.is(seen(socket).length, 1, 'a LISTEN on a fresh socket repairs it');
  control(socket, 3);
  control(socket, LISTEN);
  t.is(proc.listeners, 2, 'LISTEN, bad operation, LISTEN counts twice');
});

test('KF §7.4: a listener that dies without IGNORE is counted for ever', (t) => {
  const bench = makeBench();
  const process = bench.kernel.process();
  const socket = process.socket(3, 11) as SimulatedSocket;
  control(socket, LISTEN);
  process.exit();
  t.is(bench.kernel.proc.listeners, 1);
});

test('KF §7.4: before 6.6 every message counts, whoever sends it', (t) => {
  const bench = makeBench({ release: '6.1' });
  const socket = bench.member(1);
  for (const operation of [LISTEN, LISTEN, IGNORE]) control(socket, operation);
  t.is(bench.kernel.proc.listeners, 1);
  t.is(seen(socket).length, 3);
  for (const operation of [IGNORE, IGNORE]) control(bench.member(), operation);
  t.is(bench.kernel.proc.listeners, -1);
  bench.kernel.proc.emit(exec);
  t.is(seen(socket).length, 0, 'less than none is none; the second IGNORE was not answered');
});

test('KF §1.5: the right to control cn_proc: none, EPERM from 4.2 to 6.5, none again', (t) => {
  for (const [release, error] of [
    ['2.6.24', 0],
    ['4.2', 1],
    ['6.1', 1],
    ['6.18', 0],
  ] as const) {
    const bench = makeBench({ release, dispatch: 'synchronous' });
    const watcher = listener(bench, LISTEN);
    control(bench.member(0, { uid: 1000 }), LISTEN);
    t.true(seen(watcher)[0]!.startsWith(`ack ${error} `), release);
    t.is(bench.kernel.proc.listeners, error === 0 ? 2 : 1);
  }
});

test('KF §8.8: from another pid or user namespace cn_proc ignores a request', (t) => {
  const bench = makeBench();
  const socket = bench.member(1, { initNamespaces: false });
  control(socket, LISTEN);
  t.deepEqual([seen(socket), bench.kernel.proc.listeners], [[], 0]);
});

test('KF §7.6: each listener has a queue and drops of its own', (t) => {
  const bench = makeBench();
  const [full, other] = [bench.member(1), bench.member(1)];
  full.setsockopt(1, 8, 1);
  control(other, LISTEN);
  for (let count = 0; count < 5; count++) bench.kernel.proc.emit(exec);
  t.deepEqual([full.drops, other.drops, seen(other).length], [4, 0, 6]);
});

test('without CONFIG_PROC_EVENTS nobody answers for 1:1', (t) => {
  const bench = makeBench({ processEvents: false });
  const socket = bench.member(1);
  control(socket, LISTEN);
  t.deepEqual([seen(socket), bench.kernel.proc.listeners], [[], 0]);
  t.is(ask(socket, '', { id: ID }), 36);
});
