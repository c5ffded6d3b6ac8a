import type { Case } from '../suite.ts';
import { classify } from '../../reliability/match.ts';
import { Received } from '../../reliability/received.ts';
import { ReplyCache, type Keepable } from '../../reliability/replies.ts';
import { SeenSeqs } from '../../reliability/seen.ts';
import { SeqTable } from '../../reliability/table.ts';
import { Wheel, type Expiring } from '../../reliability/wheel.ts';

class Kept implements Keepable {
  keeping: Keepable['keeping'] = 'no';
  charge = 0;
  age(): void {}
  evict(): void {}
}

const original = { seq: 5, ack: 9 };
const answer = { seq: 5, ack: 10 };

const seen = new SeenSeqs(0, 65_536);
const received = new Received(0);
const table = new SeqTable<{ readonly seq: number }>();
const map = new Map<number, { readonly seq: number }>();
const wheel = new Wheel<Expiring>();
const replies = new ReplyCache<Kept>(1 << 16, 1 << 26);
const timed = { deadline: 30_000, earlier: undefined, later: undefined, slot: -1 };
let seq = 0;
let number = 0;
let key = 0;

/**
 * The tables that every call goes through, each beside what would be used instead where there is
 * one.
 */
export const reliability: readonly Case[] = [
  { name: 'match a reply', run: () => void classify(original, answer) },
  {
    name: 'dedup: a new seq',
    run: () => {
      seen.sighting(seq);
      seen.add(seq);
      seq = (seq + 1) >>> 0;
    },
  },
  {
    name: 'a new datagram number',
    run: () => {
      received.arrival(number);
      received.accept(number, number);
      number += 1;
    },
  },
  {
    name: 'pending table: add, get, delete',
    run: () => {
      key = (key + 1) >>> 0;
      table.add({ seq: key });
      table.get(key);
      table.delete(key);
    },
  },
  {
    name: '  the same with a Map',
    run: () => {
      key = (key + 1) >>> 0;
      map.set(key, { seq: key });
      map.get(key);
      map.delete(key);
    },
  },
  {
    name: 'deadline: add and remove',
    run: () => {
      wheel.add(timed);
      wheel.remove(timed);
    },
  },
  {
    name: '  the same with setTimeout',
    run: () => clearTimeout(setTimeout(() => {}, 30_000)),
  },
  {
    name: 'reply cache: keep and release',
    run: () => {
      const reply = new Kept();
      replies.keep(reply, 64);
      replies.release(reply);
    },
  },
];
