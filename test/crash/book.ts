import { openSync, writeSync } from 'node:fs';
import type { Fuse } from './fuse.ts';
import { isConnectorError } from '../../core/errors.ts';

/** How a call is made. */
export interface Entry {
  /** The label of the life that makes it, a point, and a number that counts up. */
  readonly key: string;
  /** `-` is none. */
  readonly channel: string;
  readonly idempotent: boolean;
}

/**
 * One life's way to the book that all lives share. Every line is one `write` with O_APPEND, made
 * before the life goes on: a kill loses nothing that happened, and lines stand in the order in
 * which things happened.
 *
 *     LABEL began KEY CHANNEL once|idempotent     before the call is made
 *     LABEL ran KEY CHANNEL                       by a handler, before it does anything else
 *     LABEL told KEY OUTCOME [LABEL]              what became of a call, and who says it ran
 */
export class Book {
  readonly #label: string;
  readonly #file: number;
  readonly #fuse: Fuse;
  /** Called at the first entry of something that ran or was told. */
  #worked: (() => void) | undefined;

  constructor(path: string, label: string, fuse: Fuse, worked: () => void) {
    this.#file = openSync(path, 'a');
    this.#label = label;
    this.#fuse = fuse;
    this.#worked = worked;
  }

  began({ key, channel, idempotent }: Entry): void {
    this.#write(`began ${key} ${channel} ${idempotent ? 'idempotent' : 'once'}`);
  }

  /** A handler enters that it ran. `burns`: this is work that the fuse counts. */
  ran(key: string, channel: string, burns: boolean): void {
    this.#enter(`ran ${key} ${channel}`, burns);
  }

  /** Makes a call, and enters what became of it. The reply is to be `{key, by}`. */
  async follow(entry: Entry, call: () => Promise<unknown>, burns: boolean): Promise<void> {
    const { key } = entry;
    this.began(entry);
    let said: string;
    try {
      const made = call();
      if (burns) this.#fuse.leave();
      const reply = (await made) as { readonly key?: string; readonly by?: string };
      said = reply.key === key ? `done ${reply.by}` : `wrong ${JSON.stringify(reply)}`;
    } catch (error) {
      if (!isConnectorError(error)) throw error;
      said = error.outcome ?? 'nothing';
    }
    this.#enter(`told ${key} ${said}`, burns);
  }

  /** What must not happen, in words. */
  complain(what: string): void {
    this.#write(`complains ${what}`);
  }

  #enter(line: string, burns: boolean): void {
    if (burns) this.#fuse.reach('before-entry');
    this.#write(line);
    if (burns) this.#fuse.reach('after-entry');
    this.#worked?.();
    this.#worked = undefined;
  }

  #write(line: string): void {
    writeSync(this.#file, `${this.#label} ${line}\n`);
  }
}
