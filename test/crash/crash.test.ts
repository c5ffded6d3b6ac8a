// A sample of the crash test: `npm run crash` kills some thousands. And the auditor is tried on
// books in which something is wrong.
import test, { type ExecutionContext } from 'ava';
import { crash, faults, summary } from './crash.ts';
import type { User } from './hand.ts';
import { Auditor } from './verdict.ts';
import { openNetlink } from '../../transport/netlink/netlink.ts';

const KILLS = 24;

function whyNot(): string | undefined {
  try {
    openNetlink().close();
    return undefined;
  } catch (error) {
    return `no netlink: ${String(error)}`;
  }
}

const reason = whyNot();

async function sample(t: ExecutionContext, seed: number, user?: User): Promise<void> {
  t.timeout(120_000);
  if (reason !== undefined) {
    t.log(`skipped: ${reason}`);
    t.pass();
    return;
  }
  const plan = { kills: KILLS, clients: 3, seed };
  const result = await crash(plan, user);
  t.log(summary(plan, result));
  t.deepEqual(faults(result), []);
  t.is(result.serverKills + result.clientKills, KILLS);
  const { done = 0, unknown = 0 } = result.told;
  t.true(done > 0 && unknown > 0, 'some were done, and some were under way at a kill');
}

test.serial('servers and clients that are killed lose nothing and repeat nothing', (t) =>
  sample(t, 1 + Math.floor(Math.random() * 0xffff)),
);

test.serial('nor do those of a user without privileges', async (t) => {
  if (process.geteuid?.() === 0) return sample(t, 2, { uid: 65_534, gid: 65_534 });
  t.log('skipped: this is no root, and the test before was unprivileged already');
  t.pass();
});

/** What the auditor finds wrong in a book. */
function audit(...lines: readonly string[]): readonly string[] {
  const auditor = new Auditor();
  for (const line of lines) auditor.take(line);
  return auditor.verdict().violations;
}

const BEGAN = 'c1:0 began c1:0.0 north once';
const RAN = 's:0 ran c1:0.0 north';
const DONE = 'c1:0 told c1:0.0 done s:0';

test('a book in which nothing is wrong passes', (t) => {
  t.deepEqual(audit(BEGAN, RAN, DONE), []);
  t.deepEqual(audit(BEGAN, RAN, 'c1:0 told c1:0.0 unknown'), []);
  t.deepEqual(audit(BEGAN, 'c1:0 told c1:0.0 unknown'), []);
  t.deepEqual(audit(BEGAN, 'c1:0 told c1:0.0 not-executed'), []);
  t.deepEqual(audit(BEGAN, RAN, 'c1:0 told c1:0.0 executed'), []);
  t.deepEqual(audit(BEGAN, RAN), [], 'its caller was killed');
  const idempotent = 'c1:0 began c1:0.0 north idempotent';
  t.deepEqual(audit(idempotent, RAN, 's:1 ran c1:0.0 north', 'c1:0 told c1:0.0 done s:1'), []);
});

const wrong: Readonly<Record<string, readonly string[]>> = {
  'a call that ran twice': [BEGAN, RAN, RAN],
  'a call that ran again after a restart': [BEGAN, RAN, 's:1 ran c1:0.0 north'],
  'an idempotent call that ran twice in one life': ['c1:0 began c1:0.0 north idempotent', RAN, RAN],
  'a call that was done and did not run': [BEGAN, DONE],
  'a call that was done elsewhere than it ran': [BEGAN, RAN, 'c1:0 told c1:0.0 done s:1'],
  'a call that ran after it was told done': [BEGAN, DONE, RAN],
  'a call that was not executed and ran': [BEGAN, RAN, 'c1:0 told c1:0.0 not-executed'],
  'a call that was not sent and ran later': [BEGAN, 'c1:0 told c1:0.0 not-sent', RAN],
  'a call that was executed and did not run': [BEGAN, 'c1:0 told c1:0.0 executed'],
  'a reply to another call': [BEGAN, RAN, 'c1:0 told c1:0.0 wrong {"key":"c1:0.1"}'],
  'a call that was told twice': [BEGAN, RAN, DONE, DONE],
  'a call that nobody made': [RAN],
  'a channel out of order': [BEGAN, 'c1:0 began c1:0.1 north once', 's:0 ran c1:0.1 north', RAN],
  'what a life complains of': ['s:0 complains of something'],
};

for (const [name, lines] of Object.entries(wrong)) {
  test(`the auditor notices ${name}`, (t) => t.true(audit(...lines).length > 0));
}
