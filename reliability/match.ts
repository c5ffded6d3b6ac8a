import { seqPlus } from './sequence.ts';

/** What identifies a message: `cn_msg.seq` and `cn_msg.ack`. */
export interface Genes {
  readonly seq: number;
  readonly ack: number;
}

/** What a received message is, by the 2005 text. */
export type Genealogy =
  | 'reply' // same seq, ack + 1
  | 'new-seq' // another sequence number than the one expected
  | 'new-ack'; // the expected sequence number, but not ack + 1

/**
 * The rule of the 2005 text (docs/PROTOCOL.md §2), with the original message that a reply is
 * expected to. Both kinds of `new` are new messages; they are told apart because only the second
 * one can be a mistake or a forgery.
 */
export function classify(original: Genes, received: Genes): Genealogy {
  if (answers(original, received.seq, received.ack)) return 'reply';
  return received.seq === original.seq ? 'new-ack' : 'new-seq';
}

/** True if a message with these genes is a reply to the original, by the same rule. */
export function answers(original: Genes, seq: number, ack: number): boolean {
  return seq === original.seq && ack === seqPlus(original.ack, 1);
}

/** Whether a message answers a request: not, as one of several parts, or as the last part. */
export type Match = 'no' | 'part' | 'final';

/**
 * Decides whether `received` answers `request`. No two agents in the kernel follow the text alike
 * (KF §3), so the rule is chosen per connector id.
 */
export type MatchRule = (request: Genes, received: Genes, payload: Uint8Array) => Match;

/** The text's own rule: DRBD, DST, cn_proc up to 4.7, and agents written from the text. */
export const documented: MatchRule = (request, received) =>
  classify(request, received) === 'reply' ? 'final' : 'no';

/** cn_proc since 4.8: ack + 1, but seq is a per-CPU event counter (KF §3). */
export const proc: MatchRule = (request, received) =>
  received.ack === seqPlus(request.ack, 1) ? 'final' : 'no';

/**
 * w1: data carries ack = *seq* + 1, any number of times; the status, which ends the command,
 * carries the request's ack unchanged (KF §3.1). A request whose ack is seq + 1 could not be told
 * apart.
 */
export const w1: MatchRule = (request, received) => {
  if (received.seq !== request.seq) return 'no';
  if (received.ack === request.ack) return 'final';
  return received.ack === seqPlus(request.seq, 1) ? 'part' : 'no';
};

/** uvesafb: seq and ack both come back unchanged (KF §3). */
export const echo: MatchRule = (request, received) =>
  received.seq === request.seq && received.ack === request.ack ? 'final' : 'no';

/** For agents that match on their own payload, as dm-log does: the caller's function decides. */
export function payload(match: (payload: Uint8Array) => Match): MatchRule {
  return (_request, _received, bytes) => match(bytes);
}

/** The rules that have a name; `payload` needs a function. */
export const matchRules: {
  readonly documented: MatchRule;
  readonly proc: MatchRule;
  readonly w1: MatchRule;
  readonly echo: MatchRule;
} = { documented, proc, w1, echo };
