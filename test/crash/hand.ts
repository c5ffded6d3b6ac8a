import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Answer, Order } from './plan.ts';

/** Who the workers run as; undefined: as this process. */
export interface User {
  readonly uid: number;
  readonly gid: number;
}

/** The conductor's end of one worker process. */
export class Hand {
  readonly #child: ChildProcess;
  readonly #answered = new Map<Answer['kind'], () => void>();
  #errors = '';
  /** Resolves when the process is gone: by SIGKILL, or in another way, which is told in words. */
  readonly ended: Promise<string | undefined>;
  readonly warm: Promise<void>;

  constructor(user: User | undefined) {
    // Only compiled code runs, so the name of the compiled file is right.
    const child = fork(new URL('worker.js', import.meta.url), [], {
      execArgv: [],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      ...user,
    });
    this.#child = child;
    child.stderr!.on('data', (text) => (this.#errors += String(text)));
    child.on('message', (answer: Answer) => this.#take(answer));
    child.on('error', () => undefined); // an order to one that is dead already
    this.ended = once(child, 'close').then(([code, signal]) => {
      if (signal === 'SIGKILL' && this.#errors === '') return undefined;
      return `${signal ?? `exit code ${code}`} ${this.#errors}`.trim();
    });
    this.warm = this.#answer('warm');
  }

  /** Gives an order; resolves with true when it is done, with false if the process ends first. */
  order(order: Order): Promise<boolean> {
    const done = this.#answer(order.kind === 'finish' ? 'finished' : 'working').then(() => true);
    this.#child.send(order, () => undefined);
    return Promise.race([done, this.ended.then(() => false)]);
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  #answer(kind: Answer['kind']): Promise<void> {
    return new Promise((resolve) => this.#answered.set(kind, resolve));
  }

  #take(answer: Answer): void {
    if (answer.kind === 'failed') {
      this.#errors += answer.message;
      this.kill();
    } else {
      this.#answered.get(answer.kind)?.();
    }
  }
}

/** Processes that are loaded and wait: starting one takes longer than most lives last. */
export class Pool {
  readonly #spares: Hand[] = [];
  readonly #user: User | undefined;

  constructor(spares: number, user: User | undefined) {
    this.#user = user;
    for (let spare = 0; spare < spares; spare++) this.#spares.push(new Hand(user));
  }

  /** Gives the one that has been loading for longest, and starts another in its place. */
  async take(): Promise<Hand> {
    const hand = this.#spares.shift()!;
    this.#spares.push(new Hand(this.#user));
    await Promise.race([hand.warm, hand.ended]);
    return hand;
  }

  /** Ends those that nobody took. */
  async close(): Promise<void> {
    for (const spare of this.#spares) spare.kill();
    await Promise.all(this.#spares.map((spare) => spare.ended));
  }
}
