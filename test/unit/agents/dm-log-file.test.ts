import test from 'ava';
import fc from 'fast-check';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bench, hex, OLD } from './mirror-bench.ts';
import { asks, encodeAsk, fromU64, u64 } from './ulog.ts';
import { Answered, ANSWERED_MAX } from '../../../agents/dm-log/answered.ts';
import { parseArguments } from '../../../agents/dm-log/arguments.ts';
import { openLogDirectory } from '../../../agents/dm-log/directory.ts';
import { decodeImage, encodeImage } from '../../../agents/dm-log/image.ts';
import { RegionSet } from '../../../agents/dm-log/region-set.ts';
import { serveMirrorLogs } from '../../../agents/dm-log/server.ts';
import { decodeRequest } from '../../../agents/dm-log/wire.ts';
import { packageRoot } from '../../package-root.ts';
import { World } from '../../simulation/world.ts';

interface Vector {
  readonly name: string;
  readonly kind: number;
  readonly hex: string;
}

const { requests } = JSON.parse(
  readFileSync(join(packageRoot, 'test', 'vectors', 'dm-log.json'), 'utf8'),
) as { readonly requests: readonly Vector[] };

for (const { name, kind, hex } of requests) {
  test(`what a real kernel asked is read: ${name}`, (t) => {
    const bytes = Buffer.from(hex, 'hex');
    const request = decodeRequest(bytes)!;
    t.is(request.kind, kind);
    const { luid, uuid, seq, data } = request;
    t.regex(luid, /^ffff[0-9a-f]{12}$/, 'a pointer of the kernel');
    t.true(['cnrpc', 'other'].includes(uuid));
    t.deepEqual(encodeAsk({ kind, luid: BigInt(`0x${luid}`), uuid, seq, data }), bytes);
    if (name === 'CTR') t.truthy(parseArguments(Buffer.from(data).toString()));
    if (name === 'SET_REGION_SYNC') t.is(fromU64(Buffer.from(data))[1], 1);
  });
}

test('the memory of answers is bounded and knows the wrap of the numbers', (t) => {
  const memory = new Answered<string>();
  t.is(memory.find(7), undefined);
  const start = 2 ** 32 - 10;
  for (let count = 0; count < 200; count++) {
    const seq = (start + count) >>> 0;
    t.is(memory.find(seq), undefined);
    memory.add(seq, `answer ${count}`);
  }
  t.is(memory.find(189), 'answer 199');
  t.is(memory.find(190 - ANSWERED_MAX), `answer ${200 - ANSWERED_MAX}`);
  t.is(memory.find(190 - ANSWERED_MAX - 1), 'stale');
  t.is(memory.find(start), 'stale');
  t.is(memory.find(190), undefined);
});

test('no bytes make the table throw, or answer what is not whole', (t) => {
  const kernel = bench();
  const shortened = fc
    .nat(200)
    .map((length) =>
      encodeAsk({ kind: asks.mark, seq: 9, luid: OLD, data: u64(1, 2, 3) }).subarray(0, length),
    );
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 400 }), shortened), (bytes) => {
      const whole = bytes.length >= 184;
      if (!whole && bytes.length < 160) t.is(kernel.table.handle(bytes), undefined);
      else kernel.table.handle(bytes);
    }),
  );
  const noName = encodeAsk({ kind: asks.syncCount, seq: 5, uuid: '' });
  t.is(kernel.table.handle(noName), undefined);
  const endless = encodeAsk({ kind: asks.syncCount, seq: 5, uuid: 'x'.repeat(129) });
  t.is(kernel.table.handle(endless), undefined);
});

test('a file is what it was, and one that is damaged in its head is refused', (t) => {
  const kernel = bench('70000 file 8 nosync');
  kernel.ask(asks.mark, u64(0, 4095, 4096, 8749), { luid: OLD });
  const file = kernel.files.get('one')!;
  const state = decodeImage(file)!;
  t.deepEqual(state.geometry, { regionSize: 8, regionCount: 8750 });
  t.is(state.running, hex(OLD));
  const clean = new RegionSet(8750, state.clean);
  t.is(clean.size, 8746);
  t.deepEqual(
    [0, 4095, 4096, 8749].map((region) => clean.has(region)),
    [false, false, false, false],
  );
  t.deepEqual(encodeImage(state), new Uint8Array(file));
  for (const length of [0, 4095, 4096, file.length - 1, file.length + 1]) {
    t.is(decodeImage(Buffer.concat([file, Buffer.alloc(1)]).subarray(0, length)), undefined);
  }
  for (let at = 0; at < 1100; at += 7) {
    const damaged = new Uint8Array(file);
    damaged[at]! ^= 0x10;
    t.is(decodeImage(damaged), undefined, `byte ${at}`);
  }
  t.false(kernel.table.restore(file), 'it is there already');
});

test('a set of regions is a set', (t) => {
  const steps = fc.array(fc.tuple(fc.boolean(), fc.nat(69)), { maxLength: 200 });
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 70 }), steps, (count, drawn) => {
      const regions = new RegionSet(count);
      const model = new Set<number>();
      for (const [present, wanted] of drawn) {
        const region = wanted % count;
        if (present) {
          regions.add(region);
          model.add(region);
        } else {
          regions.delete(region);
          model.delete(region);
        }
        t.is(regions.size, model.size);
        const from = wanted % (count + 1);
        let missing = from;
        while (model.has(missing)) missing += 1;
        t.is(regions.firstMissing(from), missing);
      }
      t.is(new RegionSet(count, regions.bytes.slice()).size, model.size);
      t.is(new RegionSet(count, regions.bytes.slice().fill(0xff)).size, count);
    }),
  );
});

test('a folder holds what was stored, and gives it back', async (t) => {
  const path = mkdtempSync(join(tmpdir(), 'mirror-logs-'));
  t.teardown(() => rmSync(path, { recursive: true }));
  const uuid = 'LVM/../odd name';
  const store = await openLogDirectory(join(path, 'deep'));
  t.deepEqual(store.images, []);
  const image = new Uint8Array(8192).fill(1);
  await store.store({ uuid, image, patches: [], durable: true });
  const patch = { offset: 4096, bytes: new Uint8Array(512).fill(2) };
  await store.store({ uuid, image: undefined, patches: [patch], durable: false });
  await store.store({ uuid, image: undefined, patches: [], durable: true });
  await store.close();
  writeFileSync(join(path, 'deep', 'half.log.new'), 'written when the power went');
  writeFileSync(join(path, 'deep', 'README'), 'not a log');
  const again = await openLogDirectory(join(path, 'deep'));
  t.deepEqual(readdirSync(join(path, 'deep')), ['LVM%2f%2e%2e%2fodd%20name.log', 'README']);
  t.is(again.images.length, 1);
  t.is(again.boot, store.boot);
  image.fill(2, 4096, 4608);
  t.deepEqual(new Uint8Array(again.images[0]!.bytes), image);
  await again.store({ uuid, image: undefined, patches: [{ ...patch, offset: 0 }], durable: true });
  await t.throwsAsync(
    again.store({ uuid: 'x', image: undefined, patches: [patch], durable: true }),
  );
  const long = { uuid: '/'.repeat(128), image, patches: [], durable: true };
  await t.throwsAsync(again.store(long), { message: /no file for/ });
  await again.close();
});

test('a damaged file stops the server from starting, by its name', (t) => {
  const world = new World();
  const endpoint = world.endpoint(1);
  const images = [{ name: 'cnrpc.log', bytes: new Uint8Array(9000) }];
  const none = (): Promise<void> => Promise.resolve();
  const store = { boot: 'first', images, store: none, close: none };
  t.throws(() => serveMirrorLogs(endpoint, store), { message: /cnrpc\.log is damaged/ });
  endpoint.destroy();
});
