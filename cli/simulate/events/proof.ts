import type { EventBook, Hearing } from './book.ts';
import type { StreamRecord } from './stream.ts';
import type { Party } from '../party.ts';
import type { Stage } from '../stage.ts';

/** Every question to somebody who is gone has been given up by then. */
const QUIET_MS = 60_000;
/** Whoever hears of a stream too late for its first event has the next ones. */
const ROUNDS = 3;
const APART_MS = 50;
const ROUND_MS = 1000;
/** Within this time what was published last is given or reported. */
const BOUND_MS = 30_000;
const LOOK_MS = 500;
/** How long a publisher says how far it has come, at least (P10.7), ms. */
const BEACONS_MS = 2500;

/** Notes what is not known of events although nothing is in the way any more. */
export async function proveEvents(
  stage: Stage,
  book: EventBook,
  parties: readonly Party[],
): Promise<void> {
  await stage.sleep(QUIET_MS);
  book.calm();
  for (const hearing of book.hearings) {
    judgeLast(stage, book, hearing);
    judgeEnds(stage, book, hearing);
  }
  for (let round = 0; round < ROUNDS; round++) {
    for (const { events } of parties) {
      await events?.herald.prove();
      await stage.sleep(APART_MS);
    }
    await stage.sleep(ROUND_MS);
  }
  const end = stage.clock.now() + BOUND_MS;
  while (behind(book).length > 0 && stage.clock.now() < end) await stage.sleep(LOOK_MS);
  for (const [{ who }, stream, at] of behind(book)) {
    stage.ledger.violated(`${who} knows of ${at} of ${stream.last} events of the ${stream}`);
  }
}

/**
 * Who is told of a stream from its beginning, or has heard of it, knows of its last event if its
 * publisher said how far it had come after the faults had stopped (P10.7).
 */
function judgeLast({ calmMs, plan, ledger }: Stage, book: EventBook, hearing: Hearing): void {
  if (hearing.over || plan.chaos.jumps > 0) return;
  for (const stream of book.streams) {
    const { sender, topic, over, last, beganMs } = stream;
    const told = last > 0 && stream.sentMs[last - 1]! > calmMs - BEACONS_MS;
    const others = sender === hearing.address || topic !== hearing.plan.topic;
    if (over || others || !told || book.forgettable(hearing, sender)) continue;
    const account = book.accountOf(hearing, stream);
    if (account === undefined && beganMs < hearing.joinedMs) continue;
    const at = account?.at ?? 0;
    const { who } = hearing;
    if (at !== last) ledger.violated(`${who} knows ${at} of ${last}, soon told, of the ${stream}`);
  }
}

/** Who does not know, of a publisher that lives, what it has published last. */
function behind(book: EventBook): (readonly [Hearing, StreamRecord, number])[] {
  const living = book.streams.filter(({ over }) => !over);
  return book.hearings.filter(({ over, forgetful }) => !over && !forgetful).flatMap((hearing) =>
    living
      .filter(({ sender, topic }) => sender !== hearing.address && topic === hearing.plan.topic)
      .map((stream) => [hearing, stream, book.accountOf(hearing, stream)?.at ?? 0] as const)
      .filter(([, stream, at]) => at !== stream.last));
}

/** Whoever heard a stream that is over knows how it ended, or that nobody can know (P10.10). */
function judgeEnds(stage: Stage, book: EventBook, hearing: Hearing): void {
  if (hearing.over) return;
  for (const stream of book.streams) {
    const account = book.accountOf(hearing, stream);
    if (account === undefined || !stream.over || book.forgettable(hearing, stream.sender)) continue;
    if (account.unknown > 0 || account.at === stream.last) continue;
    // Who was silent for long, and whose next words were all lost, cannot be missed.
    const since = stream.sentMs[account.at]! - (stream.sentMs[account.at - 1] ?? stream.beganMs);
    if (since > BEACONS_MS || stage.plan.chaos.jumps > 0) continue;
    const { who } = hearing;
    stage.ledger.violated(`${who} was never told how the ${stream} ended, after ${account.at}`);
  }
}
