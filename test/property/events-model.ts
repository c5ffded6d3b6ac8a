import type { EventItem, Gap, PublishedEvent } from '../../index.ts';

/** What one publisher published, as the test knows it. */
export interface Told {
  readonly stream: string;
  readonly sender: number;
  readonly startedAt: number;
  /** When each event was published; the event of number n stands at n - 1. */
  readonly publishedAt: number[];
  /** It died, or ended in good order. */
  over: boolean;
}

/** What one subscription was given. */
export interface Heard {
  readonly joinedAt: number;
  readonly items: EventItem[];
}

/** What the world allows. */
export interface Allowance {
  /** The longest way of a datagram, ms. */
  readonly delayMs: number;
  /** After so long without an event a publisher has said all and is silent, ms. */
  readonly quietMs: number;
  /** Questions and answers may be lost. */
  readonly lossy: boolean;
  /** Senders may be forgotten. */
  readonly forgetful: boolean;
}

/** Where a subscription stands in one stream: all up to a number is accounted for. */
interface Account {
  /** Undefined at first: nothing is known of what came before. */
  at: number | undefined;
  /** What comes next may leave numbers out. */
  loose: boolean;
}

/**
 * Compares what a subscription was given with what was published: everything from the first number
 * it follows on is given, in order, or counted as missing. Gives what is wrong.
 */
export function audit(told: readonly Told[], heard: Heard, allow: Allowance): string[] {
  const wrong: string[] = [];
  const accounts = new Map<string, Account>();
  for (const item of heard.items) {
    const story = told.find(({ stream }) => stream === item.stream);
    if (story === undefined || story.sender !== item.sender) {
      wrong.push(`a stream that nobody published: ${JSON.stringify(item)}`);
      continue;
    }
    const account = accounts.get(item.stream) ?? { at: undefined, loose: false };
    accounts.set(item.stream, account);
    const problem =
      item.kind === 'gap'
        ? countGap(item, account, story, heard, allow, told)
        : countEvent(item, account, story, heard);
    if (problem !== undefined) wrong.push(`${problem}: ${JSON.stringify(item)}`);
  }
  for (const story of told) {
    const account = accounts.get(story.stream);
    if (account === undefined || account.loose) continue;
    const at = account.at ?? 0;
    const total = story.publishedAt.length;
    if (at === total) continue;
    // Whoever was silent for long and whose next words are all lost cannot be missed.
    const since = story.publishedAt[at]! - (story.publishedAt[at - 1] ?? story.startedAt);
    const unheard = since >= allow.quietMs;
    if (at > total || !unheard) wrong.push(`${story.stream} ends at ${at} of ${total}`);
  }
  return wrong;
}

function countEvent(
  event: PublishedEvent,
  account: Account,
  story: Told,
  heard: Heard,
): string | undefined {
  const [stream, number] = event.value as [string, number];
  if (stream !== event.stream || number !== event.number) return "another event's value";
  if (number > story.publishedAt.length) return 'never published';
  const { at, loose } = account;
  account.at = number;
  account.loose = false;
  if (at === undefined && number > 1 && !loose && story.startedAt >= heard.joinedAt) {
    return 'the beginning is left out';
  }
  if (at !== undefined && number <= at) return `again, or out of order, after ${at}`;
  if (at !== undefined && number > at + 1 && !loose) return `silence after ${at}`;
  return undefined;
}

function countGap(
  gap: Gap,
  account: Account,
  story: Told,
  heard: Heard,
  allow: Allowance,
  told: readonly Told[],
): string | undefined {
  if (gap.missed === 'unknown') {
    account.loose = true;
    const successor = told
      .slice(told.indexOf(story) + 1)
      .some(({ sender }) => sender === story.sender);
    const founded = {
      lost: false,
      unreadable: false,
      slow: allow.forgetful || story.over || successor,
      restarted: successor,
      gone: story.over || allow.lossy,
      forgotten: allow.forgetful,
    };
    return founded[gap.reason] ? undefined : 'why is it not known?';
  }
  const { at, loose } = account;
  const { missed, next } = gap;
  if (missed < 1 || next === undefined || missed >= next) return 'no gap';
  account.at = next - 1;
  account.loose = false;
  if (next - 1 > story.publishedAt.length) return 'more than was published';
  if (at !== undefined && next - missed !== at + 1 && !(loose && next - missed > at)) {
    return `in another place than after ${at}`;
  }
  // A stream that is older than the subscription is not missed from its beginning.
  const older = story.startedAt < heard.joinedAt - allow.delayMs - 1;
  if (at === undefined && older && missed === next - 1 && !loose) return 'what was before';
  if (at === undefined && missed < next - 1 && story.startedAt >= heard.joinedAt && !loose) {
    return 'the beginning is left out';
  }
  return undefined;
}
