import test from 'ava';
import { portidOf } from '../../transport/portid.ts';

test('portidOf is fixed, in its range, and spreads', (t) => {
  // MurmurHash3_x86_32 of the two words, by an independent implementation.
  t.is(portidOf({ idx: 1, val: 1 }), 0x78d98a9a);
  t.is(portidOf({ idx: 3, val: 1 }), 0x71bb2e78);
  t.is(portidOf({ idx: 0xffffffff, val: 0xffffffff }), 0x627564e8);
  t.is(portidOf({ idx: -1, val: -1 }), portidOf({ idx: 0xffffffff, val: 0xffffffff }));
  const seen = new Set<number>();
  const buckets = new Array<number>(16).fill(0);
  for (let idx = 0; idx < 64; idx++) {
    for (let val = 0; val < 64; val++) {
      const portid = portidOf({ idx, val });
      t.true(Number.isInteger(portid) && portid >= 0x40000000 && portid <= 0x7fffffff);
      seen.add(portid);
      const bucket = (portid - 0x40000000) >>> 26;
      buckets[bucket] = (buckets[bucket] ?? 0) + 1;
    }
  }
  t.is(seen.size, 4096, 'no two of these ids meet');
  for (const count of buckets) t.true(count > 180 && count < 340, `${count} of about 256`);
});
