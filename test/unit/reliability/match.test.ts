import test from 'ava';
import {
  classify,
  matchRules,
  payload,
  type Match,
  type MatchRule,
} from '../../../reliability/match.ts';

const MAX = 0xffff_ffff;
const NOTHING = new Uint8Array(0);
const edges = [0, 1, 2, 0x7fff_ffff, 0x8000_0000, MAX - 1, MAX];

test('the rule of the 2005 text holds for every pair of edges, as BigInt has it (P2.3)', (t) => {
  const modulus = 1n << 32n;
  for (const seq of edges) for (const ack of edges) {
    for (const gotSeq of edges) for (const gotAck of edges) {
      const replied = BigInt(gotAck) === (BigInt(ack) + 1n) % modulus;
      const expected = seq !== gotSeq ? 'new-seq' : replied ? 'reply' : 'new-ack';
      const got = classify({ seq, ack }, { seq: gotSeq, ack: gotAck });
      if (got !== expected) t.fail(`${seq} ${ack} answered by ${gotSeq} ${gotAck}: ${got}`);
    }
  }
  t.pass();
});

test('a reply is recognised across the wrap of seq, of ack and of both (P2.2)', (t) => {
  t.is(classify({ seq: MAX, ack: 7 }, { seq: MAX, ack: 8 }), 'reply');
  t.is(classify({ seq: 7, ack: MAX }, { seq: 7, ack: 0 }), 'reply');
  t.is(classify({ seq: MAX, ack: MAX }, { seq: MAX, ack: 0 }), 'reply');
  t.is(classify({ seq: MAX, ack: MAX }, { seq: 0, ack: 0 }), 'new-seq');
  t.is(classify({ seq: MAX, ack: MAX }, { seq: MAX, ack: MAX }), 'new-ack');
  t.is(classify({ seq: 7, ack: MAX }, { seq: 7, ack: 2 ** 32 }), 'new-ack', 'an ack is a u32');
});

// [rule, request seq, ack, received seq, ack, what it is]: KF §3, measured or read in the sources.
const examples: readonly [keyof typeof matchRules, number, number, number, number, Match][] = [
  // DRBD, DST, pohmelfs, cn_proc up to 4.7: same seq, ack + 1.
  ['documented', 4242, 0xdeadbe00, 4242, 0xdeadbe01, 'final'],
  ['documented', 4242, 0xdeadbe00, 4242, 0xdeadbe00, 'no'],
  ['documented', 4242, 0xdeadbe00, 4243, 0xdeadbe01, 'no'],
  ['documented', 4242, MAX, 4242, 0, 'final'],
  // cn_proc since 4.8: seq is a per-CPU counter.
  ['proc', 4242, 0xdeadbe00, 0x40b4, 0xdeadbe01, 'final'],
  ['proc', 4242, MAX, 16_565, 0, 'final'],
  ['proc', 4242, 0xdeadbe00, 16_564, 0, 'no'], // an event: ack 0
  ['proc', 4242, 0xdeadbe00, 4242, 0xdeadbe00, 'no'],
  // w1: data has ack = seq + 1, the status the request's own ack.
  ['w1', 10, 500, 10, 11, 'part'],
  ['w1', 10, 500, 10, 500, 'final'],
  ['w1', 10, 500, 10, 501, 'no'],
  ['w1', 10, 500, 11, 500, 'no'],
  ['w1', MAX, 500, MAX, 0, 'part'],
  ['w1', 10, 11, 10, 11, 'final'], // why such an ack must not be chosen
  // uvesafb: both unchanged.
  ['echo', 15, 0xcafe, 15, 0xcafe, 'final'],
  ['echo', 15, 0xcafe, 15, 0xcaff, 'no'],
  ['echo', 15, 0xcafe, 14, 0xcafe, 'no'],
];

for (const [rule, seq, ack, gotSeq, gotAck, expected] of examples) {
  const title = `${seq}/${ack} and ${gotSeq}/${gotAck} are ${expected} by the rule ${rule} (P2.5)`;
  test(title, (t) => {
    const match = matchRules[rule]({ seq, ack }, { seq: gotSeq, ack: gotAck }, NOTHING);
    t.is(match, expected);
  });
}

test('no rule but w1 knows parts, and each accepts exactly one pair of genes or ack', (t) => {
  const accepted: Record<string, number> = {};
  const request = { seq: 5, ack: 9 };
  for (const [name, rule] of Object.entries(matchRules) as [string, MatchRule][]) {
    accepted[name] = 0;
    for (let seq = 0; seq < 16; seq++) for (let ack = 0; ack < 16; ack++) {
      if (rule(request, { seq, ack }, NOTHING) !== 'no') accepted[name]! += 1;
    }
  }
  t.deepEqual(accepted, { documented: 1, proc: 16, w1: 2, echo: 1 });
});

test('the payload rule asks the function about the payload and nothing else', (t) => {
  // dm-log: dm_ulog_request.seq stands at 148 of the payload, the cn seq of cmirrord is 0.
  const rule = payload((bytes) => (bytes.at(-1) === 77 ? 'final' : 'no'));
  const answer = new Uint8Array([0, 0, 0, 77]);
  t.is(rule({ seq: 1, ack: 0 }, { seq: 0, ack: 0 }, answer), 'final');
  t.is(rule({ seq: 1, ack: 0 }, { seq: 1, ack: 1 }, new Uint8Array(4)), 'no');
});
