import type { Case } from '../suite.ts';
import { Arena } from '../../core/arena.ts';
import { Slab } from '../../core/slab.ts';
import { decodeDatagram, encodeMessage } from '../../transport/wire/datagram.ts';
import { REQUEST } from '../../transport/wire/frame.ts';
import { stampChecksum, verifyChecksum } from '../../transport/wire/checksum.ts';
import { readCnMsg, writeCnMsg } from '../../transport/wire/cnmsg.ts';
import { encodeRequest } from '../../sessions/encode.ts';

const id = { idx: 20, val: 1 };
const payload = new Uint8Array(64);
const message = encodeMessage({ id, seq: 1, ack: 2, flags: 0 }, payload);
const slab = new Slab(4096);
const arena = new Arena();
const method = new TextEncoder().encode('echo');
const call = { deadline: Infinity };
const place = { number: 0, position: 0 };
const said = { method, format: 0, bytes: payload };

/** Codecs: what each message costs before anything is known of it. */
export const wire: readonly Case[] = [
  { name: 'write a cn_msg header', run: () => writeCnMsg(slab, 16, id, 7, 8, 64, 0) },
  { name: 'read a cn_msg header', run: () => void readCnMsg(slab, 16) },
  {
    name: 'encode a bare message of 64 B',
    run: () => void encodeMessage({ id, seq: 1, ack: 2, flags: 0 }, payload),
  },
  { name: 'decode a bare message of 64 B', run: () => void decodeDatagram(message) },
  {
    name: 'encode a request of 64 B',
    run: () => void encodeRequest(arena, { id, seq: 1, ack: 2 }, REQUEST, place, said, call),
  },
  { name: 'checksum 1 KiB', run: () => stampChecksum(slab, 0, 1024) },
  { name: 'verify 1 KiB', run: () => void verifyChecksum(slab, 0, 1024) },
];
