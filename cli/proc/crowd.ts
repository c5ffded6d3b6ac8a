import type { Description, KernelEvent, ProcWatch } from '../../agents/proc/proc.ts';

/** What is shown of a process. */
export interface Person {
  readonly parentPid: number | undefined;
  /** The command line, or a kernel thread's name in brackets; undefined where it is not known. */
  readonly command: string | undefined;
  /** Why not; undefined where it is. */
  readonly unknown: string | undefined;
  /** When it was first heard of, in the time of the events. */
  readonly sinceMs: number;
}

/** Ancestors are not looked for beyond this: nobody could see the indentation. */
const DEPTH_MAX = 16;

type Source = Pick<ProcWatch, 'processes' | 'describe'>;

/**
 * Who lives, with their commands. A command is looked up when its exec is reported, and then kept:
 * at the exit it is too late. A fork runs what its parent runs.
 */
export class Crowd {
  /** Commands that could not be read: who ran them had ended, or another has their pid. */
  unreadable = 0;
  readonly #people = new Map<number, Person>();
  readonly #watch: Source;

  /** Looks up the commands of all that live. */
  constructor(watch: Source, nowMs: number) {
    this.#watch = watch;
    for (const { pid, sinceMs } of watch.processes.values()) {
      this.#people.set(pid, this.#lookUp(pid, sinceMs, nowMs));
    }
  }

  get(pid: number): Person | undefined {
    return this.#people.get(pid);
  }

  /** Takes an event; gives whom it is about, as they were before they ended. */
  meet(event: KernelEvent): Person {
    const { kind, pid, tid, timeMs } = event;
    const known = this.#people.get(pid);
    if (pid !== tid) return known ?? this.#lookUp(pid, timeMs, timeMs);
    if (kind === 'exit') {
      this.#people.delete(pid);
      return known ?? stranger(timeMs, 'ended');
    }
    const person = this.#now(event, known);
    this.#people.set(pid, person);
    return person;
  }

  /** How many ancestors of somebody are known. */
  depth({ parentPid }: Person): number {
    let depth = 0;
    let parent = parentPid;
    while (parent !== undefined && depth < DEPTH_MAX) {
      const person = this.#people.get(parent);
      if (person === undefined) break;
      depth += 1;
      parent = person.parentPid;
    }
    return depth;
  }

  #now(event: KernelEvent, known: Person | undefined): Person {
    const { kind, pid, timeMs, recovered } = event;
    if (kind === 'fork' && !recovered) {
      const parent = this.#people.get(event.parentPid);
      if (parent !== undefined) return { ...parent, parentPid: event.parentPid, sinceMs: timeMs };
    }
    if (kind !== 'fork' && kind !== 'exec' && known !== undefined) return known;
    const since = kind === 'fork' ? timeMs : known?.sinceMs ?? timeMs;
    const found = this.#lookUp(pid, since, timeMs);
    if (kind === 'exec' && found.command === undefined) this.unreadable += 1;
    return { ...found, parentPid: found.parentPid ?? known?.parentPid };
  }

  #lookUp(pid: number, sinceMs: number, timeMs: number): Person {
    const description = this.#watch.describe(pid, timeMs);
    if (!description.known) return stranger(sinceMs, description.why);
    const { parentPid } = description;
    return { parentPid, command: commandOf(description), unknown: undefined, sinceMs };
  }
}

function stranger(sinceMs: number, unknown: string): Person {
  return { parentPid: undefined, command: undefined, unknown, sinceMs };
}

function commandOf({ command, name }: Extract<Description, { readonly known: true }>): string {
  return command.length === 0 ? `[${name}]` : command.join(' ');
}
