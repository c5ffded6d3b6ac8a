import test from 'ava';
import { Slab } from '../../../core/slab.ts';
import { CN_MSG_HEADER, writeCnMsg } from '../../../transport/wire/cnmsg.ts';
import { bundleCount, decodeDatagram } from '../../../transport/wire/datagram.ts';
import { NLMSG_HEADER, writeNlmsg } from '../../../transport/wire/nlmsg.ts';

test('P1.3: the cn_msg of a bundle stand at multiples of 4, whatever their lengths', (t) => {
  const lengths = [5, 3, 0, 1];
  const id = { idx: 3, val: 4 };
  const slab = new Slab(256);
  slab.bytes.fill(0xee); // what stands in the padding means nothing
  let at = NLMSG_HEADER;
  for (const [index, length] of lengths.entries()) {
    writeCnMsg(slab, at, id, index, 0xffff_ffff, length, 0);
    at += CN_MSG_HEADER + ((length + 3) & ~3);
  }
  writeNlmsg(slab, 0, at, 0);
  t.is(bundleCount(slab, NLMSG_HEADER, at), lengths.length);
  const decoded = decodeDatagram(slab.bytes.subarray(0, at));
  t.deepEqual(decoded.ok && decoded.messages.map(({ payload }) => payload.length), lengths);
});
