import type { Transport } from '../../transport/transport.ts';

/** The multicast groups that an endpoint is in, each as long as anybody here wants it. */
export class Groups {
  readonly #transport: Pick<Transport, 'join' | 'leave'>;
  readonly #users = new Map<number, number>();

  constructor(transport: Pick<Transport, 'join' | 'leave'>) {
    this.#transport = transport;
  }

  /** Joins a group, or counts one more user of it. Throws what the transport throws. */
  join(group: number): void {
    const users = this.#users.get(group) ?? 0;
    if (users === 0) this.#transport.join(group);
    this.#users.set(group, users + 1);
  }

  /** Leaves a group with the last user of it. */
  leave(group: number): void {
    const users = this.#users.get(group)! - 1;
    if (users > 0) {
      this.#users.set(group, users);
      return;
    }
    this.#users.delete(group);
    this.#transport.leave(group);
  }
}
