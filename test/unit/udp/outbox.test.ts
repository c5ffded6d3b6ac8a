import test from 'ava';
import { Slab } from '../../../core/slab.ts';
import { Outbox } from '../../../transport/udp/outbox.ts';
import type { SendingSocket } from '../../../transport/udp/outbox.ts';

type Settled = ((error: Error | null) => void) | undefined;

/** A socket whose kernel has no room until it is told to take what waits. */
class FullSocket implements SendingSocket {
  readonly taken: string[] = [];
  /** Of each datagram taken, whether what became of it was asked for. */
  readonly asked: boolean[] = [];
  refuses = false;
  full = false;
  #waiting: { bytes: Uint8Array; settled: Settled } | undefined;

  send(
    bytes: Uint8Array,
    offset: number,
    length: number,
    _port: number,
    _host: string,
    settled: Settled,
  ): void {
    const part = bytes.subarray(offset, offset + length);
    if (this.full) this.#waiting = { bytes: part, settled };
    else this.#take(part, settled, this.refuses ? new Error('EPERM') : null);
  }

  getSendQueueCount(): number {
    return this.#waiting === undefined ? 0 : 1;
  }

  room(error: Error | null = null): void {
    this.full = false;
    const { bytes, settled } = this.#waiting!;
    this.#waiting = undefined;
    this.#take(bytes, settled, error);
  }

  #take(bytes: Uint8Array, settled: Settled, error: Error | null = null): void {
    this.taken.push(Buffer.from(bytes).toString());
    this.asked.push(settled !== undefined);
    settled?.(error);
  }
}

function send(outbox: Outbox, text: string): string {
  return outbox.send(new Slab(Buffer.from(text)), 0, text.length, '127.0.0.1', 9);
}

test('while the kernel has no room one datagram waits, and the next is told busy', (t) => {
  const socket = new FullSocket();
  const outbox = new Outbox(socket, 100);
  t.is(send(outbox, 'one'), 'sent');
  socket.full = true;
  t.is(send(outbox, 'two'), 'sent');
  for (let again = 0; again < 1000; again++) t.is(send(outbox, 'three'), 'busy');
  socket.room();
  t.is(send(outbox, 'four'), 'sent');
  t.deepEqual(socket.taken, ['one', 'two', 'four'], 'what waits keeps its bytes');
  t.like(outbox, { sent: 3, busy: 1000, failed: 0 });
});

test('what the system says later is counted', (t) => {
  const socket = new FullSocket();
  const outbox = new Outbox(socket, 100);
  socket.full = true;
  t.is(send(outbox, 'one'), 'sent');
  socket.room(new Error('EPERM'));
  t.like(outbox, { sent: 1, busy: 0, failed: 1 });
});

test('a slab is read from start to end only, and may be used again at once', (t) => {
  const socket = new FullSocket();
  const outbox = new Outbox(socket, 4);
  const slab = new Slab(Buffer.from('abcdefgh'));
  socket.full = true;
  t.is(outbox.send(slab, 2, 6, '127.0.0.1', 9), 'sent');
  slab.bytes.fill(0);
  socket.room();
  t.deepEqual(socket.taken, ['cdef']);
});

test('one in sixteen is asked after, and while they are refused each is, and counted', (t) => {
  const socket = new FullSocket();
  const outbox = new Outbox(socket, 100);
  for (let number = 0; number < 33; number++) send(outbox, 'well');
  t.deepEqual(socket.asked, Array.from({ length: 33 }, (_, index) => index % 16 === 0));
  socket.refuses = true;
  for (let number = 0; number < 33; number++) send(outbox, 'refused');
  t.is(outbox.failed, 33 - 15, 'all but those before the first that was asked after');
  socket.refuses = false;
  socket.asked.length = 0;
  for (let number = 0; number < 17; number++) send(outbox, 'well');
  t.deepEqual(socket.asked, Array.from({ length: 17 }, (_, index) => index % 16 === 0));
  t.is(outbox.failed, 18);
});
