import { parseArguments } from './arguments.ts';
import { decodeImage, encodeImage, type Patch } from './image.ts';
import { MirrorLog } from './mirror-log.ts';
import {
  decodeNumbers,
  decodeRequest,
  encodeNumbers,
  encodeReply,
  kinds,
  type LogRequest,
  type Luid,
} from './wire.ts';

/** Logs that a server keeps; a mirror that needs one more is refused. */
export const LOGS_MAX = 256;

/** What the kernel understands where it asks for an error. */
const errnos = { ESRCH: 3, EIO: 5, EINVAL: 22, ENOSPC: 28 } as const;

/** What is to be stored before an answer goes out: a file anew, or sectors of it. */
export interface StorageWork {
  readonly uuid: string;
  /** All of the file, which takes the place of the old one at once. */
  readonly image: Uint8Array | undefined;
  readonly patches: readonly Patch[];
  /** It must be on the disk. Else it must only outlive this process. */
  readonly durable: boolean;
}

/**
 * What the kernel takes no error for: it goes on as if it had been done. Unanswered, it asks again
 * until it can be.
 */
const UNFAILING: readonly number[] = [kinds.resume, kinds.setRegionSync];

/**
 * What may have to be stored. A question never waits for that: if it failed, the kernel would take
 * a region for out of sync and write to one leg only.
 */
const CHANGING: readonly number[] = [
  kinds.resume,
  kinds.postsuspend,
  kinds.flush,
  kinds.markRegion,
  kinds.clearRegion,
  kinds.setRegionSync,
];

/** The answer to a request. */
export class Answer {
  readonly #request: LogRequest;
  /** Undefined if nothing is to be said. */
  reply: Uint8Array | undefined;

  constructor(request: LogRequest, errno: number, data: Uint8Array) {
    this.#request = request;
    this.reply = encodeReply(request, errno, data);
  }

  /** The log of the request. */
  get uuid(): string {
    return this.#request.uuid;
  }

  /** What it states could not be stored. */
  notStored(): void {
    const silent = UNFAILING.includes(this.#request.kind);
    this.reply = silent ? undefined : encodeReply(this.#request, errnos.EIO, NOTHING);
  }
}

/** What a request leads to: `work` first, if there is any, then the answer. */
export interface Step {
  readonly answer: Answer;
  readonly work: StorageWork | undefined;
}

/** Counts what happened to requests. */
export interface LogCounters {
  requests: number;
  /** Copies of a request, answered as it was. */
  repeated: number;
  /** Overtaken by later ones, and not executed: the kernel asks again if it still waits. */
  stale: number;
  /** Not whole. */
  malformed: number;
  /** For tables that were never constructed here: the kernel then constructs them again. */
  unknown: number;
}

/** An errno, or the data of an answer. */
type Result = number | Uint8Array;

const NOTHING = new Uint8Array(0);

/**
 * All mirror logs of a server: turns each request of the kernel into an answer and what has to be
 * stored before it may go out. Sans-IO.
 */
export class LogTable {
  readonly counters: LogCounters = {
    requests: 0,
    repeated: 0,
    stale: 0,
    malformed: 0,
    unknown: 0,
  };
  readonly #boot: string;
  readonly #logs = new Map<string, MirrorLog>();

  /** `boot` names this boot of the machine: tables of another one are gone. */
  constructor(boot: string) {
    this.#boot = boot;
  }

  /** How many logs there are. */
  get size(): number {
    return this.#logs.size;
  }

  log(uuid: string): MirrorLog | undefined {
    return this.#logs.get(uuid);
  }

  /** Takes a file as it was stored; false if it is damaged, one too many or there already. */
  restore(image: Uint8Array): boolean {
    const state = decodeImage(image);
    if (state === undefined || this.#logs.size >= LOGS_MAX) return false;
    if (this.#logs.has(state.uuid)) return false;
    this.#logs.set(state.uuid, new MirrorLog(state.uuid, this.#boot, state));
    return true;
  }

  /**
   * Takes a request, whose bytes it keeps. Undefined if there is nothing to answer: it is not
   * whole, or it was overtaken.
   */
  handle(payload: Uint8Array): Step | undefined {
    const request = decodeRequest(payload);
    if (request === undefined) {
      this.counters.malformed += 1;
      return undefined;
    }
    this.counters.requests += 1;
    const log = this.#logs.get(request.uuid);
    const table = log?.table(request.luid);
    const known = table?.answered.find(request.seq);
    if (known instanceof Answer) {
      this.counters.repeated += 1;
      return { answer: known, work: undefined };
    }
    // A construction is the beginning of whatever follows: its number may be any.
    if (known === 'stale' && request.kind !== kinds.construct) {
      this.counters.stale += 1;
      return undefined;
    }
    const step = this.#execute(request, log);
    this.#logs.get(request.uuid)?.table(request.luid)?.answered.add(request.seq, step.answer);
    return step;
  }

  /** Storing the work of a step failed: the kernel is told, and the next work stores everything. */
  notStored({ answer }: Step): void {
    answer.notStored();
    this.#logs.get(answer.uuid)?.notStored();
  }

  #execute(request: LogRequest, known: MirrorLog | undefined): Step {
    const { kind, uuid } = request;
    if (kind === kinds.construct) {
      const result = this.#construct(request);
      return this.#step(request, result, this.#logs.get(uuid), true);
    }
    if (kind === kinds.destroy) {
      known?.destroy(request.luid); // to destroy what is not there is to have destroyed it
      return this.#step(request, NOTHING, known, true);
    }
    if (known?.table(request.luid) === undefined) {
      this.counters.unknown += 1;
      // What the kernel finds itself if no server is there: it constructs, resumes and asks again.
      return this.#step(request, errnos.ESRCH, undefined, false);
    }
    const result = answerOf(known, request);
    if (!CHANGING.includes(kind)) return this.#step(request, result, undefined, false);
    const [, inSync] = decodeNumbers(request.data, 2) ?? [];
    const fell = kind === kinds.setRegionSync && inSync === 0;
    return this.#step(request, result, known, kind === kinds.flush || fell);
  }

  #construct({ uuid, luid, data }: LogRequest): Result {
    const line = String.fromCharCode(...data).replace(/\0+$/, '');
    const parsed = parseArguments(line);
    if (parsed === undefined) return errnos.EINVAL;
    let log = this.#logs.get(uuid);
    if (log === undefined) {
      if (this.#logs.size >= LOGS_MAX) return errnos.ENOSPC;
      log = new MirrorLog(uuid, this.#boot);
      this.#logs.set(uuid, log);
    }
    log.construct(luid, line, parsed);
    return NOTHING; // no device that dm would have to hold for us
  }

  #step(request: LogRequest, result: Result, log: MirrorLog | undefined, durable: boolean): Step {
    const answer =
      typeof result === 'number'
        ? new Answer(request, result, NOTHING)
        : new Answer(request, 0, result);
    const changes = log?.takeChanges(durable);
    if (log === undefined || changes === undefined) return { answer, work: undefined };
    const image = changes.all ? encodeImage(log.state) : undefined;
    const { patches, durable: flushed } = changes;
    return { answer, work: { uuid: log.uuid, image, patches, durable: flushed } };
  }
}

/** Executes a request to a table of a log. */
function answerOf(log: MirrorLog, request: LogRequest): Result {
  const { kind, luid, data } = request;
  const table = log.table(luid)!;
  switch (kind) {
    case kinds.presuspend:
      log.presuspend(luid);
      return NOTHING;
    case kinds.postsuspend:
      log.postsuspend(luid);
      return NOTHING;
    case kinds.resume:
      log.resume(table);
      return NOTHING;
    case kinds.getRegionSize:
      return encodeNumbers(table.arguments.geometry.regionSize);
    case kinds.getSyncCount:
      return encodeNumbers(log.syncCount(table));
    case kinds.getResyncWork: {
      const region = log.resyncWork(luid);
      return region === undefined ? encodeNumbers(0, 0) : encodeNumbers(1, region);
    }
    case kinds.statusInfo:
      return text('1 file'); // the number of words, and the kind of log
    case kinds.statusTable:
      return text(table.line.slice(table.line.indexOf(' ') + 1));
    default:
      return answerOnRegions(log, kind, luid, data);
  }
}

/** Executes a request that names regions. */
function answerOnRegions(log: MirrorLog, kind: number, luid: Luid, data: Uint8Array): Result {
  // A flush names the regions to mark if the table line says integrated_flush.
  const numbers = decodeNumbers(data, kind === kinds.flush ? 0 : 1);
  if (numbers === undefined) return errnos.EINVAL;
  const [first, second] = numbers;
  const regions = kind === kinds.setRegionSync ? [first!] : numbers;
  if (!log.has(...regions)) return errnos.EINVAL;
  switch (kind) {
    case kinds.isClean:
      return encodeNumbers(log.isClean(first!) ? 1 : 0);
    case kinds.inSync:
      return encodeNumbers(log.inSync(first!) ? 1 : 0);
    case kinds.isRemoteRecovering: // there is no other machine
      return encodeNumbers(0, log.firstOutOfSync);
    case kinds.flush:
    case kinds.markRegion:
      log.mark(regions);
      return NOTHING;
    case kinds.clearRegion:
      log.clear(luid, regions);
      return NOTHING;
    case kinds.setRegionSync:
      if (second === undefined) return errnos.EINVAL;
      log.setSync(luid, first!, second !== 0);
      return NOTHING;
    default:
      return errnos.EINVAL;
  }
}

/** dm takes the text for a C string. */
function text(words: string): Uint8Array {
  return Uint8Array.from(`${words}\0`, (character) => character.charCodeAt(0));
}
