import test from 'ava';
import fc from 'fast-check';
import { requestOf } from '../requests.ts';
import { Arena } from '../../core/arena.ts';
import { Draft } from '../../sessions/draft.ts';
import * as frame from '../../transport/wire/frame.ts';

test('what a call said is read again as it was written, whatever lies beside it', (t) => {
  const said = fc.record({
    kind: fc.constantFrom(frame.REQUEST, frame.SEND),
    channel: fc.nat(0xffff),
    position: fc.nat(),
    method: fc.uint8Array({ minLength: 1, maxLength: 255 }),
    format: fc.nat(frame.FORMAT_MASK),
    bits: fc.constantFrom(0, frame.REQUEST_STREAMS, frame.REQUEST_TAKES_STREAM),
    payload: fc.uint8Array({ maxLength: 300 }),
  });
  const arena = new Arena();
  const identity = { id: { idx: 1, val: 2 }, seq: 3, ack: 4 };
  const call = { deadline: Infinity };
  fc.assert(
    fc.property(said, fc.option(fc.string(), { nil: undefined }), ({ bits, ...parts }, channel) => {
      const format = parts.format | bits;
      const request = requestOf(arena, identity, { ...parts, format, call });
      const draft = Draft.read(request, parts.payload.length, channel);
      t.deepEqual(Buffer.from(draft.method), Buffer.from(parts.method));
      t.deepEqual(Buffer.from(draft.bytes), Buffer.from(parts.payload));
      t.is(draft.format, parts.format);
      t.is(draft.channel, channel);
    }),
  );
});
