import test from 'ava';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { report } from './report.ts';
import { encodeOperation, LISTEN, readReport, type Report } from '../../../agents/proc/wire.ts';
import { ALL_KINDS, select, type ProcKind } from '../../../agents/proc/kinds.ts';
import type { KernelEvent } from '../../../agents/proc/event.ts';
import { LITTLE_ENDIAN, Slab } from '../../../core/slab.ts';
import { packageRoot } from '../../package-root.ts';

// Captured from Linux 6.18 (test/vectors); what they say was noted when they were made.

const file = readFileSync(join(packageRoot, 'test/vectors/kernel.json'), 'utf8');
const { datagrams } = JSON.parse(file) as { datagrams: { name: string; hex: string }[] };

function captured(name: string): Report {
  const { hex } = datagrams.find((datagram) => datagram.name === name)!;
  const slab = new Slab(new Uint8Array(Buffer.from(hex, 'hex')));
  return readReport(slab, 0, slab.bytes.length)!;
}

const main = (id: number): { pid: number; tid: number; recovered: boolean } =>
  ({ pid: id, tid: id, recovered: false });
const died = { code: undefined, signal: undefined, coreDumped: false };

const expected: Readonly<Record<string, KernelEvent>> = {
  fork: {
    kind: 'fork', timeMs: 1628507.656444, ...main(28929), parentPid: 28862, parentTid: 28862,
  },
  fork_thread: {
    kind: 'fork', timeMs: 1631349.724236, pid: 29019, tid: 29020, recovered: false,
    parentPid: 28862, parentTid: 28862,
  },
  exec: { kind: 'exec', timeMs: 1629472.167623, ...main(28973) },
  uid: { kind: 'uid', timeMs: 1629629.377255, ...main(28974), realUid: 65534, effectiveUid: 1000 },
  gid: { kind: 'gid', timeMs: 1629889.146371, ...main(28979), realGid: 65534, effectiveGid: 1001 },
  sid: { kind: 'sid', timeMs: 1630349.282609, ...main(28982) },
  comm: { kind: 'comm', timeMs: 1630506.582118, ...main(28983), name: 'fifteen-chars-x' },
  comm_write: { kind: 'comm', timeMs: 1630781.636029, ...main(28986), name: 'abc' },
  ptrace_attach: {
    kind: 'ptrace', timeMs: 1631509.235066, ...main(29021), tracerPid: 28862, tracerTid: 28862,
  },
  ptrace_detach: {
    kind: 'ptrace', timeMs: 1631512.113187, ...main(29021),
    tracerPid: undefined, tracerTid: undefined,
  },
  coredump: { kind: 'coredump', timeMs: 1631693.226324, ...main(29026), parentPid: 28862 },
  exit_zero: {
    kind: 'exit', timeMs: 1628510.230191, ...main(28929), ...died, code: 0, parentPid: 28862,
  },
  exit_nonzero: {
    kind: 'exit', timeMs: 1628669.676642, ...main(28930), ...died, code: 7, parentPid: 28862,
  },
  exit_sigkill: {
    kind: 'exit', timeMs: 1631513.025287, ...main(29021), ...died, signal: 9, parentPid: 28862,
  },
  exit_coredump: {
    kind: 'exit', timeMs: 1631696.554166, ...main(29026), ...died, signal: 6, parentPid: 28862,
  },
  exit_thread: {
    kind: 'exit', timeMs: 1631350.315164, pid: 29019, tid: 29020, recovered: false, ...died,
    code: 0, parentPid: undefined,
  },
};

for (const [name, event] of Object.entries(expected)) {
  test(`the kernel's ${name} is read as it was`, (t) => {
    const { event: found, errno } = captured(name);
    t.deepEqual(found, event);
    t.is(errno, undefined);
  });
}

test('answers are told from events, with their CPU and number', (t) => {
  const answer = { seq: 677451, ack: 0xdeadbe01, cpu: 1, errno: 0, event: undefined };
  t.deepEqual(captured('ack_listen'), answer);
  t.is(captured('ack_einval').errno, 22);
});

test('a wait status is a code, or a signal with or without a core', (t) => {
  const ended = (status: number): unknown => {
    const parts = { what: 0x8000_0000, cpu: 0, seq: 0, timeMs: 1, data: [5, 5, status, 17, 1, 1] };
    const slab = report(parts);
    const event = readReport(slab, 0, slab.bytes.length)!.event!;
    return event.kind === 'exit' && [event.code, event.signal, event.coreDumped];
  };
  t.deepEqual(ended(255 << 8), [255, undefined, false]);
  t.deepEqual(ended(11 | 0x80), [undefined, 11, true]);
});

test('kinds that came later are no events but keep their number; noise is nothing', (t) => {
  const later = report({ what: 0x400, cpu: 3, seq: 9, timeMs: 1 });
  t.deepEqual(readReport(later, 0, later.bytes.length), {
    seq: 9, ack: 0, cpu: 3, errno: undefined, event: undefined,
  });
  for (let end = 0; end < later.bytes.length - 8; end++) {
    t.is(readReport(later, 0, end), undefined, `${end} bytes`);
  }
  for (const half of [16, 20]) {
    const other = new Slab(later.bytes.slice());
    other.bytes[half] = 2; // the id of another agent
    t.is(readReport(other, 0, other.bytes.length), undefined);
  }
});

test('operations are 4 bytes, or 8 with a filter', (t) => {
  const plain = new Slab(encodeOperation({ operation: LISTEN, mask: undefined, ack: 7 }));
  t.is(plain.bytes.length, 40);
  t.is(plain.view.getUint32(36, LITTLE_ENDIAN), LISTEN);
  t.is(plain.view.getUint32(28, LITTLE_ENDIAN), 7);
  const filtered = new Slab(encodeOperation({ operation: LISTEN, mask: 0x8000_0000, ack: 7 }));
  t.is(filtered.bytes.length, 44);
  t.is(filtered.view.getUint32(40, LITTLE_ENDIAN), 0x8000_0000);
});

test('who wants forks, execs or exits repaired has the kernel report everything', (t) => {
  const chosen = (...kinds: readonly ProcKind[]): unknown[] =>
    [true, false].map((repair) => {
      const { mask, picture } = select(kinds, repair);
      return [mask, picture];
    });
  t.deepEqual(chosen('exec', 'exit'), [[ALL_KINDS, true], [0x8000_0002, false]]);
  t.deepEqual(chosen('nonzero-exit', 'uid'), [[0x2000_0004, false], [0x2000_0004, false]]);
  t.deepEqual(
    chosen('fork', 'exec', 'exit', 'uid', 'gid', 'sid', 'ptrace', 'comm', 'coredump'),
    [[ALL_KINDS, true], [ALL_KINDS, false]],
  );
  t.is(select(undefined, true).mask, ALL_KINDS);
  t.false(select(undefined, false).picture);
  const [zero, seven] = [expected['exit_zero']!, expected['exit_nonzero']!];
  const { wants } = select(['exec', 'nonzero-exit'], true);
  t.deepEqual([zero, seven, expected['exec']!, expected['fork']!].map(wants), [
    false, true, true, false,
  ]);
});
