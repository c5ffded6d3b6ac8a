import type { Traits } from '../transport/transport.ts';
import { TRUESIZE_MIN } from '../transport/truesize.ts';

/**
 * Where a full queue is told to the sender and loses nothing, nobody is granted less than this,
 * truesize, or this part of the queue: room for some twenty short messages in one datagram and for
 * the next one. With less, the calls of many peers go one by one.
 */
const LEAST = 8_192;
const LEAST_SHARE = 1 / 16;

/**
 * What a peer may have outstanding towards us, truesize: our receive queue, shared by those that
 * talk.
 */
export function grantOf(
  { lossless, receiveBuffer }: Pick<Traits, 'lossless' | 'receiveBuffer'>,
  talkers: number,
): number {
  const share = receiveBuffer / Math.max(1, talkers);
  const least = lossless ? Math.min(LEAST, receiveBuffer * LEAST_SHARE) : 0;
  return Math.max(TRUESIZE_MIN, Math.floor(Math.max(share, least)));
}
