import test from 'ava';
import fc from 'fast-check';
import { Ledger } from '../../../agents/proc/ledger.ts';

test('what lies between two numbers of one CPU is missing, across the wrap as well', (t) => {
  const ledger = new Ledger();
  ledger.observe(0, 0xffff_fffe);
  ledger.observe(1, 100);
  t.is(ledger.settle(0), 0);
  ledger.observe(0, 0xffff_ffff);
  ledger.observe(0, 2);
  ledger.observe(1, 101);
  t.is(ledger.missing, 2);
  t.true(ledger.exceeds(1));
  t.false(ledger.exceeds(2));
});

test('what the drop counter does not explain was lost for want of memory, told once', (t) => {
  const ledger = new Ledger();
  ledger.observe(0, 0);
  t.is(ledger.settle(10), 0, 'drops from before the first number explain themselves');
  ledger.observe(0, 6);
  t.is(ledger.settle(12), 3);
  t.is(ledger.missing, 15);
  t.is(ledger.settle(12), 0);
  t.false(ledger.exceeds(12));
});

test('a report that was overtaken is not missing, as on kernels before 4.8', (t) => {
  const ledger = new Ledger();
  ledger.observe(0, 1);
  ledger.settle(0);
  for (const seq of [2, 4, 3, 5, 7, 8, 6]) ledger.observe(0, seq);
  t.is(ledger.settle(0), 0);
  t.is(ledger.missing, 0);
});

test('for any loss on any CPUs the gaps come to what was lost', (t) => {
  const reports = fc.array(fc.record({ cpu: fc.nat(3), lost: fc.boolean() }), { maxLength: 300 });
  fc.assert(fc.property(reports, fc.array(fc.nat(), { minLength: 4, maxLength: 4 }), (all, at) => {
    const next = at.map((start) => (start + 0xffff_ff00) >>> 0);
    const ledger = new Ledger();
    const make = (cpu: number): number => {
      const seq = next[cpu]!;
      next[cpu] = (seq + 1) >>> 0;
      return seq;
    };
    for (const cpu of [0, 1, 2, 3]) ledger.observe(cpu, make(cpu));
    ledger.settle(0);
    let lost = 0;
    for (const report of all) {
      const seq = make(report.cpu);
      if (report.lost) lost += 1;
      else ledger.observe(report.cpu, seq);
    }
    for (const cpu of [0, 1, 2, 3]) ledger.observe(cpu, make(cpu));
    return ledger.settle(lost) === 0 && ledger.missing === lost;
  }));
  t.pass();
});
