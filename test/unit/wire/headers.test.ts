import test from 'ava';
import { Slab } from '../../../core/slab.ts';
import * as cnmsg from '../../../transport/wire/cnmsg.ts';
import * as frame from '../../../transport/wire/frame.ts';
import { envelopeLengthMin } from '../../../transport/wire/handshake.ts';
import { sameIncarnation } from '../../../transport/wire/handshake.ts';
import { readNlmsg, writeNlmsg } from '../../../transport/wire/nlmsg.ts';

const MAX = 0xffff_ffff;

test('a nlmsghdr is written as the connector writes it, over whatever stood there', (t) => {
  const slab = new Slab(24);
  slab.bytes.fill(0xee);
  writeNlmsg(slab, 4, 0x01020304, MAX);
  t.is(
    Buffer.from(slab.bytes).toString('hex'),
    'eeeeeeee' + '04030201' + '0300' + '0000' + 'ffffffff' + '00000000' + 'eeeeeeee',
  );
  t.deepEqual(readNlmsg(slab, 4), { length: 0x01020304, type: 3, flags: 0, seq: MAX, pid: 0 });
});

test('a cn_msg keeps the extremes of all its fields', (t) => {
  const slab = new Slab(28);
  slab.bytes.fill(0xee);
  cnmsg.writeCnMsg(slab, 4, { idx: MAX, val: 0 }, MAX, 0, 0xffff, 0);
  t.is(
    Buffer.from(slab.bytes).toString('hex'),
    'eeeeeeee' + 'ffffffff' + '00000000' + 'ffffffff' + '00000000' + 'ffff0000' + 'eeeeeeee',
  );
  cnmsg.writeCnMsg(slab, 4, { idx: 0, val: MAX }, 0, MAX, 0, 0xffff);
  const id = { idx: 0, val: MAX };
  t.deepEqual(cnmsg.readCnMsg(slab, 4), { id, seq: 0, ack: MAX, length: 0, flags: 0xffff });
});

test('each field of a cn_msg reads alone what it reads together', (t) => {
  const slab = new Slab(20);
  cnmsg.writeCnMsg(slab, 0, { idx: 1, val: 2 }, 3, 4, 5, 6);
  const whole = cnmsg.readCnMsg(slab, 0);
  t.is(cnmsg.cnMsgSeq(slab, 0), whole.seq);
  t.is(cnmsg.cnMsgAck(slab, 0), whole.ack);
  t.is(cnmsg.cnMsgLength(slab, 0), whole.length);
  t.is(cnmsg.cnMsgFlags(slab, 0), whole.flags);
});

test('every session kind has the session flag and nothing else is an envelope', (t) => {
  const { OPEN, OPENED, REFUSED, RESET, DATA, EVENT, ASK } = frame;
  const { REQUEST, REPLY, CANCEL, CLOSE, PING, NEWS } = frame;
  const outer = [OPEN, OPENED, REFUSED, RESET, DATA, EVENT, ASK];
  const all = [...outer, REQUEST, REPLY, CANCEL, CLOSE, PING, NEWS];
  const slab = new Slab(20);
  for (const kind of all) {
    cnmsg.writeCnMsg(slab, 0, { idx: 1, val: 1 }, 1, 1, 0, kind);
    t.true((cnmsg.cnMsgFlags(slab, 0) & frame.SESSION_FLAG) !== 0);
  }
  const envelopes = new Set(outer);
  for (let kind = 0; kind <= 0xffff; kind++) {
    if ((envelopeLengthMin(kind) !== undefined) !== envelopes.has(kind)) t.fail(String(kind));
  }
  t.is(new Set(all).size, all.length, 'all kinds differ');
});

test('an incarnation is the same only if both halves are', (t) => {
  const one = { high: 1, low: 2 };
  t.true(sameIncarnation(one, { high: 1, low: 2 }));
  t.false(sameIncarnation(one, { high: 1, low: 3 }));
  t.false(sameIncarnation(one, { high: 3, low: 2 }));
  t.false(sameIncarnation(one, { high: 2, low: 1 }));
});

test('a refusal is no longer than what it answers, so that it amplifies nothing', (t) => {
  t.true(frame.REFUSAL_LENGTH <= frame.OPEN_LENGTH);
  t.true(frame.REFUSAL_LENGTH <= frame.DATA_BITMAP);
  t.is(frame.BITMAP_WORDS_MAX * 32, frame.TRACKED_DATAGRAMS);
});
