import { command, type Command } from '../command.ts';
import { pattern, someOf, wholeNumber } from '../kinds.ts';
import { Failure } from '../misuse.ts';
import { noOperands } from '../operands.ts';
import { flag, option, optional } from '../options.ts';
import { Crowd, type Person } from '../proc/crowd.ts';
import { eventLine, legend, summaryLines, treeLines, type Summary } from '../proc/text.ts';
import type { Shell } from '../shell.ts';
import { RECEIVE_BUFFER_MAX } from './serve.ts';
import { select } from '../../agents/proc/kinds.ts';
import {
  procKinds,
  watchProcesses,
  type KernelEvent,
  type Process,
  type ProcEvent,
  type ProcKind,
  type ProcStats,
  type ProcWatch,
} from '../../agents/proc/proc.ts';

export const proc: Command = command({
  name: 'proc',
  operands: '',
  summary: 'Watch processes come and go; say what was lost, and find it out.',
  details: [
    'Prints what the kernel\'s process event connector reports of all processes of the machine '
      + 'until SIGINT or SIGTERM. Where reports were lost it says how many, looks at /proc and '
      + 'prints what has changed, marked "~". It notices within two probe intervals when somebody '
      + 'turns the reports off for the whole machine, and turns them on again.',
    'Commands are read from /proc when an exec is reported. One that has ended by then is shown '
      + 'as (gone), one whose pid is another\'s as (reused); who ended without a beginning that '
      + 'was seen, as (ended).',
    'With --json it prints {"watching": {"portid": N, ...}}, then an object for each event: '
      + '"kind", "at" (the time of day), "timeMs" (since boot), "pid", "tid", "recovered", '
      + '"command" or "unknown", and what the kind has; at the end {"living": [...]} with --tree, '
      + 'and {"summary": {...}}.',
  ],
  options: {
    filter: optional(
      someOf('KINDS', Object.keys(procKinds) as ProcKind[]),
      'Only these kinds of events: '
        + `${Object.keys(procKinds).join(', ')}.`,
    ),
    command: optional(pattern, 'Only processes whose command line matches.'),
    tree: flag('Indent by descent, and end with the tree of all that live.'),
    'no-repair': flag(
      'Count losses, and do not look at /proc to make them good. With --filter the kernel then '
        + 'leaves out all else itself (Linux 6.6), as it does where nothing of forks, execs and '
        + 'exits is wanted.',
    ),
    threads: flag('Also print what is about threads other than main ones.'),
    'probe-ms': option(wholeNumber(10, 3_600_000), 'The probe interval.', 1000),
    'receive-buffer': option(
      wholeNumber(0, RECEIVE_BUFFER_MAX, 'BYTES'),
      'What SO_RCVBUF is set to, up to net.core.rmem_max; the kernel doubles it.',
      8 * 1024 * 1024,
    ),
  },
  run: async (values, operands, shell) => {
    noOperands(operands);
    const { filter, command: wanted, tree, threads, 'probe-ms': probeMs } = values;
    const { interruption } = shell;
    const repair = !values['no-repair'];
    const watch = await watchProcesses({
      ...(filter === undefined ? {} : { kinds: watched(filter, repair) }),
      repair,
      probeMs,
      receiveBuffer: values['receive-buffer'],
    });
    const { wants } = select(filter, repair);
    const view = new View(watch, shell, { wants, wanted, tree, threads });
    const summary = await view.show(interruption);
    if (!summary.settled) throw new Failure('unsettled', 'events were still being lost at the end');
    return 0;
  },
});

/** What is reported anyway where a picture of who lives is kept. */
const LIVES: readonly ProcKind[] = ['fork', 'exec', 'exit'];

/**
 * The kinds to watch for those to be printed. Whose end is printed is known by what it ran, and
 * that can be looked up at its beginning only.
 */
function watched(filter: readonly ProcKind[], repair: boolean): readonly ProcKind[] {
  const about = filter.some((kind) => LIVES.includes(kind) || kind === 'nonzero-exit');
  return repair && about ? [...new Set([...filter, ...LIVES])] : filter;
}

interface ViewOptions {
  wants(event: KernelEvent): boolean;
  readonly wanted: RegExp | undefined;
  readonly tree: boolean;
  readonly threads: boolean;
}

/** What holds at the end. */
interface End extends ProcStats {
  readonly settled: boolean;
  readonly spoofed: number;
  readonly living: ReadonlyMap<number, Process>;
}

/** What is printed of a watch, from its beginning to its end. */
class View {
  readonly #watch: ProcWatch;
  readonly #shell: Shell;
  readonly #options: ViewOptions;
  readonly #crowd: Crowd;
  /** From the time of the events to the time of day. */
  readonly #wallMs = Date.now() - uptimeMs();
  readonly #began = uptimeMs();
  #shown = 0;

  constructor(watch: ProcWatch, shell: Shell, options: ViewOptions) {
    this.#watch = watch;
    this.#shell = shell;
    this.#options = options;
    this.#crowd = new Crowd(watch, this.#began);
  }

  /** Prints until interrupted. */
  async show(interruption: AbortSignal): Promise<Summary> {
    const { portid, kernelFilter } = this.#watch;
    if (this.#shell.json) this.#shell.object({ watching: { portid, kernelFilter } });
    else this.#shell.text('watching processes; ctrl-c ends it', '', legend);
    const [end] = await Promise.all([this.#end(interruption), this.#printAll()]);
    const { living, ...rest } = end;
    if (this.#options.tree) this.#printLiving(living);
    const summary = {
      ...rest,
      shown: this.#shown,
      seconds: (uptimeMs() - this.#began) / 1000,
      living: living.size === 0 ? undefined : living.size,
      unreadable: this.#crowd.unreadable,
    };
    if (this.#shell.json) this.#shell.object({ summary });
    else this.#shell.text('', ...summaryLines(summary));
    return summary;
  }

  /** Waits for the end, and for a moment in which all is known; notes what holds then. */
  async #end(interruption: AbortSignal): Promise<End> {
    await aborted(interruption);
    const settled = await this.#watch.settle();
    const { spoofed, processes } = this.#watch;
    const end = { ...this.#watch.stats(), settled, spoofed, living: new Map(processes) };
    await this.#watch.close();
    return end;
  }

  async #printAll(): Promise<void> {
    for await (const event of this.#watch) this.#print(event);
  }

  #print(event: ProcEvent): void {
    const notice = event.kind === 'lost' || event.kind === 'restored';
    const person = notice ? undefined : this.#crowd.meet(event);
    if (!notice && !this.#wants(event, person)) return;
    this.#shown += 1;
    const wallMs = event.timeMs + this.#wallMs;
    if (this.#shell.json) {
      const { command, unknown } = person ?? {};
      this.#shell.object({ ...event, at: new Date(wallMs).toISOString(), command, unknown });
      return;
    }
    const depth = this.#options.tree && person !== undefined ? this.#crowd.depth(person) : 0;
    this.#shell.text(eventLine(event, person, depth, wallMs, columns()));
  }

  #wants(event: KernelEvent, person: Person | undefined): boolean {
    const { wants, wanted, threads } = this.#options;
    if (!wants(event) || (event.pid !== event.tid && !threads)) return false;
    return wanted === undefined || (person?.command !== undefined && wanted.test(person.command));
  }

  #printLiving(living: ReadonlyMap<number, Process>): void {
    if (!this.#shell.json) {
      this.#shell.text('', ...treeLines(living, this.#crowd, columns()));
      return;
    }
    const list = [...living.values()].map(({ pid, parentPid = null, name = null, sinceMs }) => {
      return { pid, parentPid, name, command: this.#crowd.get(pid)?.command ?? null, sinceMs };
    });
    this.#shell.object({ living: list });
  }
}

/** A line breaks where the terminal ends; a file or a pipe takes lines of any length. */
function columns(): number {
  return process.stdout.isTTY ? process.stdout.columns : Infinity;
}

/** CLOCK_MONOTONIC, the time of the events. */
function uptimeMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
