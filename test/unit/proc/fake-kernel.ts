import { report } from './report.ts';
import type { Entry } from '../../../agents/proc/table.ts';
import { ALL_KINDS, procKinds } from '../../../agents/proc/kinds.ts';
import type { Request } from '../../../agents/proc/liveness.ts';
import { LISTEN } from '../../../agents/proc/wire.ts';
import type { Slab } from '../../../core/slab.ts';

interface Living {
  parentPid: number;
  name: string;
  readonly startMs: number;
}

/** What the model of a kernel can be. */
export interface FakeOptions {
  readonly cpus: number;
  /** Datagrams that the receive queue holds. */
  readonly slots: number;
  /** Linux 6.6 and later: filters, and a state for each socket. */
  readonly modern: boolean;
  /** Listeners that others have left, or taken. */
  readonly listeners: number;
}

/** Pids are handed out in turn, so none is free again before others were used for a while. */
const REUSE_MS = 100;
const EINVAL = 22;

/** A kernel with processes and cn_proc, as far as KF §7 tells: one socket listens. */
export class FakeKernel {
  nowMs = 1000;
  drops = 0;
  /** Lost for want of memory. */
  unqueued = 0;
  /** Not even numbered: made while nobody was thought to listen. */
  unmade = 0;
  listeners: number;
  outOfMemory = false;
  readonly living: Map<number, Living> = new Map();
  readonly #options: FakeOptions;
  readonly #queue: Slab[] = [];
  readonly #aside: Slab[] = [];
  readonly #seq: number[];
  readonly #freed = new Map<number, number>();
  #operation: number | undefined;
  #mask = ALL_KINDS;
  #asideOperation: number | undefined;
  /** Reports of what can be seen already, held up. */
  #late: (() => void)[] = [];

  constructor(options: FakeOptions) {
    this.#options = options;
    this.listeners = options.listeners;
    this.#seq = Array.from({ length: options.cpus }, (_, cpu) => 0xffff_fff0 + cpu);
    this.living.set(1, { parentPid: 0, name: 'init', startMs: 0 });
  }

  get cpus(): number[] {
    return this.#seq.map((_, cpu) => cpu);
  }

  get waiting(): number {
    return this.#queue.length;
  }

  fork(parentPid: number, cpu: number, late: boolean = false): number {
    const pid = this.#freePid();
    const name = this.living.get(parentPid)?.name ?? 'init';
    this.living.set(pid, { parentPid, name, startMs: this.nowMs });
    const data = [parentPid, parentPid, pid, pid];
    this.#happen(procKinds.fork, cpu, data, late);
    return pid;
  }

  exec(pid: number, name: string, cpu: number): void {
    this.living.get(pid)!.name = name;
    this.#happen(procKinds.exec, cpu, [pid, pid], false);
  }

  exit(pid: number, cpu: number, late: boolean = false): void {
    this.living.delete(pid);
    for (const child of this.living.values()) if (child.parentPid === pid) child.parentPid = 1;
    // A report is held up by a moment, and a pid comes round again after thousands of others.
    this.#freed.set(pid, late ? Infinity : this.nowMs);
    this.#happen(procKinds.exit, cpu, [pid, pid, 0, 17, 1, 1], late);
    if (late) this.#late.push(() => this.#freed.set(pid, this.nowMs));
  }

  /** Makes the reports that were held up. */
  catchUp(): void {
    const late = this.#late;
    this.#late = [];
    for (const make of late) make();
  }

  /** What a LISTEN or a question does, and the answer to it. */
  send(request: Request): void {
    const { operation, mask, ack, cpu = 0, aside } = request;
    if (mask !== undefined && !this.#options.modern) return;
    const before = aside ? this.#asideOperation : this.#operation;
    if (operation === LISTEN && (!this.#options.modern || before !== LISTEN)) this.listeners += 1;
    if (aside) this.#asideOperation = operation;
    else [this.#operation, this.#mask] = [operation, mask ?? ALL_KINDS];
    if (this.listeners < 1) return;
    const errno = operation === LISTEN ? 0 : EINVAL;
    if (aside) {
      const answer = { what: 0, cpu, seq: this.#number(cpu), timeMs: this.nowMs, data: [errno] };
      this.#aside.push(report({ ...answer, ack: (ack + 1) >>> 0 }));
    } else this.#make(0, cpu, [errno], (ack + 1) >>> 0);
  }

  /** Takes from the queue. */
  read(): Slab | undefined {
    return this.#queue.shift();
  }

  readAside(): Slab | undefined {
    return this.#aside.shift();
  }

  entry(pid: number): Entry | undefined {
    const found = this.living.get(pid);
    if (found === undefined) return undefined;
    const startTicks = Math.floor(found.startMs / 10);
    const { parentPid, name } = found;
    return { pid, parentPid, name, kernelThread: false, startTicks, startMs: startTicks * 10 };
  }

  #freePid(): number {
    for (let pid = 2; ; pid++) {
      const freed = this.#freed.get(pid) ?? -Infinity;
      if (!this.living.has(pid) && this.nowMs - freed > REUSE_MS) return pid;
    }
  }

  #happen(what: number, cpu: number, data: readonly number[], late: boolean): void {
    if (late) this.#late.push(() => this.#make(what, cpu, data, 0));
    else this.#make(what, cpu, data, 0);
  }

  #make(what: number, cpu: number, data: readonly number[], ack: number): void {
    if (this.listeners < 1) {
      this.unmade += 1;
      return;
    }
    const seq = this.#number(cpu);
    if (this.outOfMemory) {
      this.unqueued += 1;
    } else if (!this.#passes(what)) {
      return;
    } else if (this.#queue.length >= this.#options.slots) {
      this.drops += 1;
    } else {
      this.#queue.push(report({ what, cpu, seq, timeMs: this.nowMs, ack, data }));
    }
  }

  #passes(what: number): boolean {
    return this.#mask === ALL_KINDS || (what & this.#mask) !== 0;
  }

  #number(cpu: number): number {
    const seq = this.#seq[cpu]!;
    this.#seq[cpu] = (seq + 1) >>> 0;
    return seq;
  }
}
