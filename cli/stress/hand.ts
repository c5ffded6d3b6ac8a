import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Answer, AnswerOf, Order } from './messages.ts';
import { Failure } from '../misuse.ts';

/** The parent's end of one worker process. */
export class Hand {
  readonly #child: ChildProcess;
  readonly #name: string;
  readonly #waiting = new Map<Answer['kind'], (answer: Answer) => void>();
  /** Rejects when the worker fails or ends by itself. Never resolves. */
  readonly failed: Promise<never>;
  onProgress: ((started: number) => void) | undefined;
  #dismissed = false;

  constructor(name: string) {
    this.#name = name;
    // Only compiled code runs, so the name of the compiled file is right.
    this.#child = fork(new URL('worker.js', import.meta.url), [], {
      serialization: 'advanced', // carries the latencies as they are
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.failed = new Promise((_resolve, reject) => {
      this.#child.on('message', (answer: Answer) => this.#take(answer, reject));
      this.#child.on('error', reject);
      this.#child.on('exit', (code, signal) => {
        if (this.#dismissed) return;
        const how = signal === null ? `with exit code ${code}` : `by ${signal}`;
        reject(new Failure('worker-lost', `the process of ${this.#name} ended ${how}`));
      });
    });
    this.failed.catch(() => undefined); // whoever races against it hears of it
  }

  /** Gives an order; resolves with the answer to it. */
  async order<Kind extends Answer['kind']>(order: Order, kind: Kind): Promise<AnswerOf<Kind>> {
    const answered = new Promise<Answer>((resolve) => this.#waiting.set(kind, resolve));
    this.#child.send(order);
    return (await Promise.race([answered, this.failed])) as AnswerOf<Kind>;
  }

  /** Ends the process by force, which `failed` then tells of. */
  kill(): void {
    this.#child.kill('SIGKILL');
  }

  /** Ends the process, if it is still there, and waits until it has ended. */
  async dismiss(): Promise<void> {
    this.#dismissed = true;
    const child = this.#child;
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
    const ended = once(child, 'exit');
    this.kill();
    await ended;
  }

  #take(answer: Answer, reject: (error: Failure) => void): void {
    switch (answer.kind) {
      case 'progress':
        this.onProgress?.(answer.started);
        break;
      case 'failed':
        reject(new Failure(answer.code, answer.message));
        break;
      default:
        this.#waiting.get(answer.kind)?.(answer);
    }
  }
}
