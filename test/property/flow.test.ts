import test from 'ava';
import fc from 'fast-check';
import { Inflow, type Piece } from '../../reliability/inflow.ts';
import { Outflow } from '../../reliability/outflow.ts';
import { PIECE_CONTINUES, PIECE_COST, PIECE_END } from '../../transport/wire/frame.ts';

const WINDOW = 4096;
const PIECE_MAX = 300;
const VALUE_MAX = 20_000;
/** The window, and one value in pieces that is being joined. */
const HELD_MAX = WINDOW + VALUE_MAX + PIECE_COST * (Math.ceil(VALUE_MAX / PIECE_MAX) + 1);

const values = fc.array(
  fc.oneof(fc.nat(50), fc.nat(PIECE_MAX * 2), fc.constantFrom(0, PIECE_MAX, PIECE_MAX + 1, 9_000)),
  { maxLength: 12 },
);
/** What the network and the taker do next, as far as there is anything to do. */
const moves = fc.array(fc.tuple(fc.constantFrom('arrive', 'copy', 'take', 'credit'), fc.nat()), {
  maxLength: 300,
});

/** A sender and a receiver, and pieces and credits under way between them in any order. */
class Link {
  readonly out = new Outflow(0, PIECE_MAX);
  readonly in = new Inflow(WINDOW, 0, VALUE_MAX);
  readonly pieces: Piece[] = [];
  readonly delivered: Piece[] = [];
  readonly credits: number[] = [];
  readonly taken: Uint8Array[] = [];
  readonly left: Uint8Array[];
  #ending = false;

  constructor(lengths: readonly number[]) {
    this.left = lengths.map((length, index) => new Uint8Array(length).fill(index + 1));
  }

  get busy(): boolean {
    return !this.#ending || this.pieces.length > 0 || this.credits.length > 0 || this.in.ready;
  }

  move(kind: string, choice: number): void {
    this.#feed();
    if (kind === 'take') this.#take();
    if (kind === 'credit') this.out.setLimit(pluck(this.credits, choice) ?? 0);
    if (kind === 'copy') this.#arrive(this.delivered[choice % Math.max(1, this.delivered.length)]);
    if (kind === 'arrive') this.#arrive(pluck(this.pieces, choice));
    const limit = this.in.pollCredit();
    if (limit !== undefined) this.credits.push(limit);
  }

  #arrive(piece: Piece | undefined): void {
    if (piece === undefined) return;
    const known = this.delivered.includes(piece);
    const sighting = this.in.accept(piece);
    if (sighting !== (known ? 'duplicate' : 'new')) throw new Error(`${sighting}, known: ${known}`);
    if (!known) this.delivered.push(piece);
    if (this.in.cost > HELD_MAX) throw new Error(`${this.in.cost} held`);
  }

  #take(): void {
    const value = this.in.take();
    if (value !== undefined) this.taken.push(value.bytes);
  }

  #feed(): void {
    if (this.out.idle && !this.#ending) {
      const bytes = this.left.shift();
      if (bytes !== undefined) this.out.write({ format: 0, bytes });
      else {
        this.out.end();
        this.#ending = true;
      }
    }
    for (let piece = this.out.poll(); piece; piece = this.out.poll()) {
      if (piece.bytes.length > PIECE_MAX) throw new Error('a piece too long');
      this.pieces.push({ ...piece, bytes: piece.bytes.slice() });
    }
  }
}

function pluck<T>(from: T[], choice: number): T | undefined {
  return from.length === 0 ? undefined : from.splice(choice % from.length, 1)[0];
}

test('values come whole, once and in order, however their pieces travel (P9.4)', (t) => {
  fc.assert(
    fc.property(values, moves, (lengths, history) => {
      const link = new Link(lengths);
      for (const [kind, choice] of history) link.move(kind, choice);
      for (let turn = 0; link.busy || !link.in.ended; turn++) {
        if (turn > 10_000) throw new Error('it stands still');
        for (const kind of ['arrive', 'credit', 'take']) link.move(kind, 0);
      }
      if (link.in.cost !== 0) throw new Error(`${link.in.cost} held of nothing`);
      if (link.taken.length !== lengths.length) throw new Error(`${link.taken.length} values`);
      return link.taken.every((bytes, index) => {
        return bytes.length === lengths[index] && bytes.every((byte) => byte === index + 1);
      });
    }),
    { numRuns: 300 },
  );
  t.pass();
});

test('a taker that takes nothing gets no more than the window and one value (P9.6)', (t) => {
  const out = new Outflow(0, PIECE_MAX);
  const into = new Inflow(WINDOW, 0, VALUE_MAX);
  let cost = 0;
  for (let turn = 0; turn < 200; turn++) {
    if (out.idle) out.write({ format: 0, bytes: new Uint8Array(100) });
    const limit = into.pollCredit();
    if (limit !== undefined) out.setLimit(limit);
    for (let piece = out.poll(); piece; piece = out.poll()) {
      t.is(into.accept(piece), 'new');
      cost += piece.bytes.length + PIECE_COST;
    }
  }
  t.true(cost <= WINDOW && cost > WINDOW - 2 * (100 + PIECE_COST), `${cost}`);
});

function piece(position: number, length: number, flags = 0): Piece {
  return { position, flags, format: 0, bytes: new Uint8Array(length) };
}

test('what was not granted is refused, also far ahead of what has come (P9.6)', (t) => {
  const into = new Inflow(WINDOW, WINDOW, VALUE_MAX);
  t.is(into.accept(piece(0, WINDOW)), 'beyond', 'its cost counts as well');
  t.is(into.accept(piece(WINDOW / PIECE_COST, 0)), 'beyond', 'those before it cost too much');
  t.is(into.accept(piece(WINDOW / PIECE_COST - 1, 0)), 'new');
  t.is(into.accept(piece(0, WINDOW - 2 * PIECE_COST)), 'new');
  t.is(into.accept(piece(1, 0)), 'beyond');
});

test('empty pieces are no free room: each costs 64 until its value is taken (P9.6)', (t) => {
  const into = new Inflow(WINDOW, WINDOW, VALUE_MAX);
  for (let position = 0; position < 40; position++) {
    t.is(into.accept(piece(position, 0, PIECE_CONTINUES)), 'new');
    t.is(into.cost, (position + 1) * PIECE_COST);
  }
  t.is(into.accept(piece(41, 10)), 'new');
  t.is(into.cost, 41 * PIECE_COST + 10, 'also behind a gap');
  t.is(into.accept(piece(40, 0)), 'new');
  into.take();
  t.is(into.cost, PIECE_COST + 10);
  t.is(into.take()?.bytes.length, 10);
  t.is(into.cost, 0);
  t.is(into.accept(piece(42, 0, PIECE_END)), 'new');
  t.is(into.cost, 0, 'nobody takes the end');
});

test('a value longer than agreed is refused, not joined (P9.2)', (t) => {
  const into = new Inflow(1 << 20, 1 << 20, 1000);
  t.is(into.accept(piece(0, 600, PIECE_CONTINUES)), 'new');
  t.is(into.accept(piece(1, 400, PIECE_CONTINUES)), 'new');
  t.is(into.accept(piece(2, 1, 0)), 'beyond');
});

test('nothing comes after the end', (t) => {
  const into = new Inflow(WINDOW, WINDOW, VALUE_MAX);
  t.is(into.accept(piece(1, 0, PIECE_END)), 'new');
  t.false(into.ended, 'the piece before it is missing');
  t.is(into.accept(piece(0, 9)), 'new');
  t.true(into.ended);
  t.is(into.accept(piece(2, 0)), 'beyond');
  t.is(into.take()?.bytes.length, 9);
  t.is(into.pollCredit(), undefined);
});

test('an older credit takes nothing back, and positions and costs cross the wrap', (t) => {
  const out = new Outflow(2 ** 32 - 1000, 500);
  out.setLimit(2 ** 32 - 2000);
  out.write({ format: 0, bytes: new Uint8Array(10) });
  t.is(out.poll()?.bytes.length, 10);
  out.setLimit(50); // past the wrap
  t.true(out.idle);
  const into = new Inflow(WINDOW, WINDOW, VALUE_MAX);
  t.is(into.accept(piece(2 ** 32 - 1, 0)), 'duplicate', 'just before the first');
});
