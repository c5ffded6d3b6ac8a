import { FakeKernel, type FakeOptions } from './fake-kernel.ts';
import type { ProcEvent } from '../../../agents/proc/event.ts';
import type { ProcKind } from '../../../agents/proc/kinds.ts';
import { Monitor } from '../../../agents/proc/monitor.ts';
import type { Entry } from '../../../agents/proc/table.ts';
import { SeededRandom } from '../../../core/random.ts';

export interface DriverOptions extends FakeOptions {
  readonly queueMax: number;
  readonly kinds?: readonly ProcKind[];
  readonly repair?: boolean;
  readonly probeMs?: number;
}

/**
 * Does for a monitor what the driver does, one step at a time, so that anything can happen between
 * the steps; and folds what the consumer gets into a picture.
 */
export class FakeDriver {
  readonly kernel: FakeKernel;
  readonly monitor: Monitor;
  readonly events: ProcEvent[] = [];
  readonly picture: Set<number> = new Set();
  /** Requests ever sent. */
  sent = 0;
  #look: { readonly left: number[]; readonly entries: Entry[] } | undefined;

  constructor(options: DriverOptions) {
    const { queueMax, kinds, repair = true, probeMs = 1000 } = options;
    this.kernel = new FakeKernel(options);
    const { cpus } = this.kernel;
    const random = new SeededRandom(7);
    this.monitor = new Monitor({ kinds, repair, probeMs, queueMax, cpus, random });
  }

  get now(): number {
    return this.kernel.nowMs;
  }

  /** Reads up to so many datagrams; what the drop counter says comes with the end of a batch. */
  read(most: number = Infinity): void {
    const { kernel, monitor } = this;
    for (let count = 0; count < most; count++) {
      const datagram = kernel.read();
      if (datagram === undefined) break;
      monitor.handleDatagram(datagram, 0, datagram.bytes.length, this.now);
    }
    monitor.handleDrops(kernel.drops >>> 0, this.now);
  }

  /** One turn: the timer, what is to be sent, what was waiting, a part of a look. */
  turn(): void {
    const { kernel, monitor } = this;
    if (monitor.timeout <= this.now) monitor.handleTimeout(this.now, kernel.drops >>> 0);
    let request = monitor.peekRequest();
    while (request !== undefined) {
      this.read(); // the transport empties the queue before it sends
      kernel.send(request);
      monitor.sent(request, this.now);
      this.sent += 1;
      request = monitor.peekRequest();
    }
    this.read();
    for (let slab = kernel.readAside(); slab !== undefined; slab = kernel.readAside()) {
      monitor.handleAside(slab, 0, slab.bytes.length, this.now);
    }
    if (monitor.wantsTurn(this.now)) monitor.handleTurn(this.now, kernel.drops >>> 0);
    if (monitor.wantsLook) this.#lookOn();
  }

  /** Turns until the time has come, a millisecond each. */
  run(ms: number): void {
    for (const end = this.now + ms; this.now < end; kernelTick(this.kernel)) this.turn();
  }

  /** Turns until a condition holds; false if it does not within so many. */
  until(condition: () => boolean, turns: number = 50_000): boolean {
    for (let count = 0; count < turns && !condition(); count++) {
      this.turn();
      kernelTick(this.kernel);
    }
    return condition();
  }

  /** Takes up to so many events as the consumer. */
  consume(most: number = Infinity): void {
    for (let count = 0; count < most; count++) {
      const event = this.monitor.take(this.now);
      if (event === undefined) return;
      this.events.push(event);
      if (event.kind === 'exit') this.picture.delete(event.pid);
      else if (event.kind === 'fork' || event.kind === 'exec') this.picture.add(event.pid);
    }
  }

  /** What the consumer was told to be lost, by cause. */
  lost(cause: string): number {
    let total = 0;
    for (const event of this.events) {
      if (event.kind === 'lost' && event.cause === cause) total += event.count ?? 1;
    }
    return total;
  }

  /** Looks at a few processes; others come and go before the next few. */
  #lookOn(): void {
    this.#look ??= { left: [...this.kernel.living.keys()], entries: [] };
    for (const pid of this.#look.left.splice(0, 3)) {
      const entry = this.kernel.entry(pid);
      if (entry !== undefined) this.#look.entries.push(entry);
    }
    if (this.#look.left.length > 0) return;
    const { entries } = this.#look;
    this.#look = undefined;
    this.monitor.handleLook(entries);
  }
}

function kernelTick(kernel: FakeKernel): void {
  kernel.nowMs += 1;
}
