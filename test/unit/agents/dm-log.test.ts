import test from 'ava';
import { bench, hex, NEW, NEWER, OLD } from './mirror-bench.ts';
import { asks, decodeTold, encodeAsk, u64, type Ask } from './ulog.ts';
import { parseArguments, REGIONS_MAX } from '../../../agents/dm-log/arguments.ts';
import { INSTANCES_MAX } from '../../../agents/dm-log/image.ts';
import { LOGS_MAX } from '../../../agents/dm-log/log-table.ts';

const [EIO, EINVAL, ESRCH, ENOSPC] = [-5, -22, -3, -28];
const at = (luid: bigint): Partial<Ask> => ({ luid });
const old = at(OLD);

test('a new mirror is resynchronised region by region, and then has no more work', (t) => {
  const kernel = bench();
  t.deepEqual(kernel.ask(asks.regionSize, undefined, old), [1024]);
  for (const region of [0, 1, 2, 3]) {
    t.deepEqual(kernel.ask(asks.syncCount, undefined, old), [region]);
    t.deepEqual(kernel.ask(asks.resyncWork, undefined, old), [1, region]);
    t.deepEqual(kernel.ask(asks.resyncWork, undefined, old), [1, region], 'asked again: the same');
    t.deepEqual(kernel.ask(asks.inSync, u64(region), old), [0]);
    t.deepEqual(kernel.ask(asks.remoteRecovering, u64(3), old), [0, region]);
    t.deepEqual(kernel.ask(asks.setSync, u64(region, 1), old), []);
    t.deepEqual(kernel.ask(asks.clear, u64(region), old), []);
  }
  t.deepEqual(kernel.ask(asks.resyncWork, undefined, old), [0, 0]);
  t.deepEqual(kernel.ask(asks.remoteRecovering, u64(3), old), [0, 4]);
  t.is(kernel.regions, '1111 1111');
});

test('a region that fails is not tried again before the next resume', (t) => {
  const kernel = bench();
  t.deepEqual(kernel.ask(asks.setSync, u64(0, 0), old), []);
  t.deepEqual(kernel.ask(asks.resyncWork, undefined, old), [1, 1]);
  for (const region of [1, 2, 3]) kernel.ask(asks.setSync, u64(region, 1), old);
  t.deepEqual(kernel.ask(asks.resyncWork, undefined, old), [0, 0]);
  t.deepEqual(kernel.ask(asks.syncCount, undefined, old), [3]);
  kernel.ask(asks.setSync, u64(2, 0), old); // a write failed on one leg
  t.deepEqual(kernel.ask(asks.resyncWork, undefined, old), [0, 0]);
  kernel.ask(asks.postsuspend, undefined, old);
  kernel.ask(asks.resume, undefined, old);
  t.deepEqual(kernel.ask(asks.resyncWork, undefined, old), [1, 0]);
});

test('no work is given between presuspend and resume, nor to a table not running', (t) => {
  const kernel = bench();
  kernel.ask(asks.presuspend, undefined, old);
  t.deepEqual(kernel.ask(asks.resyncWork, undefined, old), [0, 0]);
  kernel.ask(asks.resume, undefined, old);
  t.deepEqual(kernel.ask(asks.resyncWork, undefined, old), [1, 0]);
  kernel.ask(asks.ctr, Buffer.from('4096 file 1024'), at(NEW));
  t.deepEqual(kernel.ask(asks.resyncWork, undefined, at(NEW)), [0, 0]);
});

test('what was marked is resynchronised after the machine was cut off', (t) => {
  const kernel = bench('4096 file 1024 nosync');
  t.is(kernel.regions, '1111 1111');
  kernel.ask(asks.mark, u64(1, 3), old);
  kernel.ask(asks.flush, undefined, old);
  kernel.ask(asks.clear, u64(3), old);
  kernel.ask(asks.mark, u64(0), old); // not flushed: nothing was written to it yet
  kernel.restart('second');
  kernel.begin('4096 file 1024 nosync', NEW);
  t.is(kernel.regions, '1010 1010', 'that 3 was clear again was not on the disk');
  t.deepEqual(kernel.ask(asks.resyncWork, undefined, at(NEW)), [1, 1]);
});

test('a table of the boot before is another one, even if the kernel names it alike', (t) => {
  const kernel = bench('4096 file 1024 nosync');
  kernel.ask(asks.mark, u64(1), old);
  kernel.ask(asks.flush, undefined, old);
  kernel.restart('second');
  t.is(kernel.ask(asks.inSync, u64(1), old), ESRCH);
  kernel.begin('4096 file 1024 nosync');
  t.is(kernel.regions, '1011 1011', 'what was written to region 1 may be on one leg only');
});

test('a server that was killed goes on where it was, with writes under way', (t) => {
  const kernel = bench('4096 file 1024 nosync');
  kernel.ask(asks.mark, u64(1), old); // and killed before the flush
  kernel.restart();
  t.is(kernel.regions, '1111 1011', 'in the page cache, if not on the disk');
  t.deepEqual(kernel.ask(asks.flush, undefined, old), []);
  t.is(kernel.work.at(-1), '0 flushed', 'what the one before wrote was never flushed');
  // The kernel found nobody meanwhile: it constructs, resumes, and asks again.
  kernel.begin('4096 file 1024 nosync');
  t.is(kernel.regions, '1111 1011', 'nothing is out of sync by that');
  t.deepEqual(kernel.ask(asks.clear, u64(1), old), []);
  t.is(kernel.regions, '1111 1111');
});

test('a table nobody has heard of is answered as the kernel takes for: no server', (t) => {
  const kernel = bench();
  t.is(kernel.ask(asks.mark, u64(1), at(NEW)), ESRCH);
  t.is(kernel.ask(asks.flush, undefined, { uuid: 'other' }), ESRCH);
  t.is(kernel.table.counters.unknown, 2);
  t.deepEqual(kernel.ask(asks.dtr, undefined, at(NEW)), [], 'to destroy it is no error');
});

test('another table takes over; the one before cannot take back what it has marked', (t) => {
  const kernel = bench('4096 file 1024 nosync');
  kernel.ask(asks.ctr, Buffer.from('4096 file 1024'), at(NEW));
  t.deepEqual(kernel.ask(asks.syncCount, undefined, at(NEW)), [4]);
  kernel.ask(asks.ctr, Buffer.from('4096 file 1024 sync'), at(NEWER));
  t.deepEqual(kernel.ask(asks.syncCount, undefined, at(NEWER)), [0], 'not before it has begun');
  kernel.ask(asks.dtr, undefined, at(NEWER));
  kernel.ask(asks.postsuspend, undefined, old);
  kernel.ask(asks.resume, undefined, at(NEW));
  kernel.ask(asks.mark, u64(2), at(NEW));
  t.deepEqual(kernel.ask(asks.clear, u64(2), old), []);
  t.is(kernel.regions, '1111 1101');
  kernel.ask(asks.setSync, u64(3, 0), old);
  kernel.ask(asks.setSync, u64(3, 1), old);
  t.is(kernel.regions, '1110 1101');
  kernel.ask(asks.postsuspend, undefined, old);
  t.is(kernel.table.log('one')!.state.running, hex(NEW), 'it was not its end');
  kernel.ask(asks.dtr, undefined, old);
  t.is(kernel.ask(asks.inSync, u64(0), old), ESRCH);
});

test('suspended and resumed, regions with writes under way are out of sync', (t) => {
  const kernel = bench('4096 file 1024 nosync');
  kernel.ask(asks.mark, u64(0, 1), old);
  kernel.ask(asks.resume, undefined, old);
  t.is(kernel.regions, '1111 0011', 'resumed without a suspension: nothing happened');
  kernel.ask(asks.postsuspend, undefined, old);
  kernel.ask(asks.postsuspend, undefined, old);
  kernel.ask(asks.resume, undefined, old);
  t.is(kernel.regions, '0011 0011');
});

test('sync in the line resynchronises once for each table, nosync trusts new regions only', (t) => {
  const kernel = bench('4096 file 1024 nosync');
  kernel.ask(asks.setSync, u64(1, 0), old);
  kernel.ask(asks.postsuspend, undefined, old);
  kernel.begin('6144 file 1024 nosync', NEW);
  t.is(kernel.regions, '1011 1111');
  t.deepEqual(kernel.ask(asks.syncCount, undefined, at(NEW)), [5], '4 and 5 are new');
  kernel.ask(asks.postsuspend, undefined, at(NEW));
  kernel.begin('4096 file 1024 sync', OLD);
  t.is(kernel.regions, '0000 0000');
  for (const region of [0, 1, 2, 3]) kernel.ask(asks.setSync, u64(region, 1), old);
  for (const region of [0, 1, 2, 3]) kernel.ask(asks.clear, u64(region), old);
  kernel.restart();
  kernel.ask(asks.postsuspend, undefined, old);
  kernel.ask(asks.resume, undefined, old);
  t.is(kernel.regions, '1111 1111');
  kernel.ask(asks.postsuspend, undefined, old);
  kernel.begin('4096 file 512 nosync', NEW);
  t.is(kernel.regions, '0000 0000', 'regions of another size: nothing is known of them');
});

test('a copy of a request is answered and not executed, one that was overtaken is neither', (t) => {
  const kernel = bench('4096 file 1024 nosync');
  const clear: Ask = { kind: asks.clear, seq: 100, luid: OLD, data: u64(1) };
  const mark: Ask = { kind: asks.mark, seq: 101, luid: OLD, data: u64(1) };
  const first = kernel.step(clear)!;
  kernel.step(mark);
  const again = kernel.step(clear)!;
  t.is(again.answer, first.answer);
  t.is(again.work, undefined);
  t.is(kernel.step({ ...clear, seq: 99 }), undefined);
  t.deepEqual([kernel.table.counters.repeated, kernel.table.counters.stale], [1, 1]);
  t.is(kernel.table.log('one')!.isClean(1), false, 'the mark stands');
  // The module was loaded anew, and counts from the beginning: so does its first request.
  const line = Buffer.from('4096 file 1024 nosync');
  t.truthy(kernel.step({ kind: asks.ctr, seq: 0, luid: OLD, data: line }));
  t.truthy(kernel.step({ kind: asks.syncCount, seq: 1, luid: OLD }));
});

test('only what changes is written, and on the disk when the kernel counts on it', (t) => {
  const kernel = bench('4096 file 1024 nosync');
  t.deepEqual(kernel.work, ['image', 'image']);
  kernel.work.length = 0;
  kernel.ask(asks.flush, undefined, old);
  t.deepEqual(kernel.work, [], 'nothing new since the image');
  kernel.ask(asks.mark, u64(1, 2), old);
  kernel.ask(asks.mark, u64(1, 2), old);
  t.deepEqual(kernel.work, ['1']);
  kernel.ask(asks.flush, undefined, old);
  kernel.ask(asks.flush, undefined, old);
  t.deepEqual(kernel.work, ['1', '0 flushed']);
  kernel.ask(asks.flush, u64(3), old); // integrated_flush
  t.deepEqual(kernel.work, ['1', '0 flushed', '1 flushed']);
  kernel.ask(asks.setSync, u64(1, 0), old);
  kernel.ask(asks.setSync, u64(1, 1), old);
  t.deepEqual(kernel.work.slice(3), ['1 flushed', '1']);
  kernel.ask(asks.inSync, u64(1), old);
  t.is(kernel.work.length, 5);
});

test('what cannot be stored is EIO, and the next work stores everything', (t) => {
  const kernel = bench('4096 file 1024 nosync');
  const ask: Ask = { kind: asks.mark, seq: 50, luid: OLD, data: u64(1) };
  const step = kernel.table.handle(encodeAsk(ask))!;
  kernel.table.notStored(step);
  t.is(decodeTold(step.answer.reply!).error, EIO);
  const again = kernel.table.handle(encodeAsk(ask))!;
  t.is(decodeTold(again.answer.reply!).error, EIO, 'a copy is not answered better');
  kernel.work.length = 0;
  t.deepEqual(kernel.ask(asks.inSync, u64(1), { luid: OLD, seq: 51 }), [1]);
  t.deepEqual(kernel.work, [], 'a question cannot fail by that');
  kernel.step({ kind: asks.flush, seq: 52, luid: OLD });
  t.deepEqual(kernel.work, ['image']);
  kernel.restart('second');
  kernel.begin('4096 file 1024 nosync', NEW);
  t.is(kernel.regions, '1011 1011');
});

test('what the kernel takes no error for is not answered unless it is stored', (t) => {
  const kernel = bench('4096 file 1024 nosync');
  kernel.ask(asks.postsuspend, undefined, old);
  const resume: Ask = { kind: asks.resume, seq: 60, luid: OLD };
  const fall: Ask = { kind: asks.setSync, seq: 61, luid: OLD, data: u64(1, 0) };
  for (const ask of [resume, fall]) {
    const step = kernel.table.handle(encodeAsk(ask))!;
    kernel.table.notStored(step);
    t.is(step.answer.reply, undefined);
    t.is(kernel.table.handle(encodeAsk(ask))!.answer.reply, undefined);
  }
  const again = kernel.step({ ...fall, seq: 62 })!;
  t.is(decodeTold(again.answer.reply!).error, 0);
  kernel.restart();
  t.is(kernel.regions, '1011 1111');
});

test('wrong lines and wrong regions are EINVAL, without any effect', (t) => {
  const lines = [
    '',
    '4096',
    '4096 file',
    '4096 file 0',
    '4096 file 4',
    '4096 file 1000',
    '4096 core 1024',
    '4096 file 1024 maybe',
    '4096 file 1024 sync nosync',
    '-1 file 1024',
    '0 file 1024',
    '4096  file 1024',
    `${(REGIONS_MAX + 1) * 8} file 8`,
    '4096 file 9999999999',
  ];
  for (const line of lines) t.is(parseArguments(line), undefined, line);
  const parsed = parseArguments('4097 file 1024 sync')!;
  t.deepEqual(parsed, { geometry: { regionSize: 1024, regionCount: 5 }, sync: 'sync' });
  const kernel = bench('4096 file 1024 nosync');
  const before = kernel.regions;
  for (const kind of [asks.isClean, asks.inSync, asks.mark, asks.clear, asks.setSync, asks.flush]) {
    t.is(kernel.ask(kind, u64(4, 1), old), EINVAL);
    t.is(kernel.ask(kind, u64(0).subarray(1), old), EINVAL);
  }
  t.is(kernel.ask(asks.mark, u64(0, 2 ** 53), old), EINVAL);
  for (const kind of [asks.isClean, asks.inSync, asks.mark, asks.clear, asks.setSync]) {
    t.is(kernel.ask(kind, undefined, old), EINVAL);
  }
  t.is(kernel.ask(asks.setSync, u64(0), old), EINVAL);
  for (const kind of [0, 18, 255]) t.is(kernel.ask(kind, u64(0), old), EINVAL);
  t.is(kernel.regions, before);
  t.is(kernel.ask(asks.ctr, Buffer.from('4096 disk 8'), { uuid: 'other' }), EINVAL);
  t.is(kernel.table.size, 1);
});

test('the status is a text that ends with a NUL', (t) => {
  const kernel = bench('4096 file 1024 nosync');
  const texts = [asks.statusInfo, asks.statusTable].map((kind, index) => {
    const step = kernel.step({ kind, seq: 1000 + index, luid: OLD })!;
    return decodeTold(step.answer.reply!).data.toString('latin1');
  });
  t.deepEqual(texts, ['1 file\0', 'file 1024 nosync\0']);
});

test('the line of a reconnection ends with a NUL, and is the same line', (t) => {
  const kernel = bench('4096 file 1024 nosync');
  kernel.work.length = 0;
  kernel.ask(asks.ctr, Buffer.from('4096 file 1024 nosync\0'), old);
  t.deepEqual(kernel.work, []);
});

test('logs and tables are bounded', (t) => {
  const kernel = bench();
  for (let count = 1; count < LOGS_MAX; count++) {
    t.deepEqual(kernel.ask(asks.ctr, Buffer.from('4096 file 1024'), { uuid: `log ${count}` }), []);
  }
  t.is(kernel.ask(asks.ctr, Buffer.from('4096 file 1024'), { uuid: 'one more' }), ENOSPC);
  for (let count = 1; count < 3 * INSTANCES_MAX; count++) {
    kernel.ask(asks.ctr, Buffer.from('4096 file 1024'), at(NEW + BigInt(count)));
  }
  const { running, instances } = kernel.table.log('one')!.state;
  t.is(running, hex(OLD), 'the one that runs stays');
  t.is(instances.length, INSTANCES_MAX);
});
