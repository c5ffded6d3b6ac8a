import test from 'ava';
import { Duplex } from 'node:stream';
import { callFrames, echoFrames } from '../../../bench/contestants/stream-frames.ts';

/** Two ends of a stream that cuts everything into pieces of this many bytes. */
function ends(piece: number): readonly [Duplex, Duplex] {
  const made: Duplex[] = [0, 1].map((side) => new Duplex({
    read: () => {},
    write: (chunk: Buffer, _encoding, done) => {
      for (let at = 0; at < chunk.length; at += piece) {
        made[1 - side]!.push(chunk.subarray(at, at + piece));
      }
      done();
    },
  }));
  return [made[0]!, made[1]!];
}

for (const piece of [1, 7, 100_000]) {
  test(`frames come back whole from pieces of ${piece} B, and messages do not`, async (t) => {
    const [near, far] = ends(piece);
    let echoed = 0;
    near.on('data', (chunk: Buffer) => (echoed += chunk.length));
    echoFrames(far);
    const { echo, oneWay } = callFrames(near);
    const payloads = [0, 1, 64, 5000].map((size) => Buffer.alloc(size, size));
    await oneWay!(Buffer.alloc(99));
    const replies = await Promise.all(payloads.map((payload) => echo!(payload)));
    t.deepEqual(replies.map((reply) => Buffer.from(reply as Uint8Array)), payloads);
    t.is(echoed, payloads.reduce((sum, { length }) => sum + 8 + length, 0));
  });
}
