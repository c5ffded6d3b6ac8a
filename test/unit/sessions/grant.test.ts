import test from 'ava';
import { grantOf } from '../../../sessions/grant.ts';

const QUEUE = 212_992;

test('the receive queue is shared by those that talk, and one datagram always fits (P5.9)', (t) => {
  const traits = { lossless: false, receiveBuffer: QUEUE };
  t.is(grantOf(traits, 0), QUEUE);
  t.is(grantOf(traits, 4), QUEUE / 4);
  t.is(grantOf(traits, 1_000), 832);
});

test('where a full queue loses nothing, many peers are granted more than there is (P5.9)', (t) => {
  const traits = { lossless: true, receiveBuffer: QUEUE };
  t.is(grantOf(traits, 4), QUEUE / 4);
  t.is(grantOf(traits, 1_000), 8_192);
});

test('a small queue is not promised to many as a whole (P5.9)', (t) => {
  const traits = { lossless: true, receiveBuffer: 32_768 };
  t.is(grantOf(traits, 4), 8_192);
  t.is(grantOf(traits, 1_000), 2_048);
  t.is(grantOf({ ...traits, receiveBuffer: 2_304 }, 1_000), 832);
});
