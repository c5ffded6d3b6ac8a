import { asks, decodeTold, encodeAsk, fromU64, u64, type Ask } from './ulog.ts';
import { LogTable, type Step } from '../../../agents/dm-log/log-table.ts';

/** What the kernel's tables are named by in these tests. */
export const OLD = 0xffff_8881_0000_1000n;
export const NEW = 0xffff_8881_0000_2000n;
export const NEWER = 0xffff_8881_0000_3000n;

/** A table, a file in memory for each of its logs, and the kernel's count of requests. */
export class Bench {
  table: LogTable;
  readonly files: Map<string, Buffer> = new Map();
  readonly flushed: Map<string, Buffer> = new Map();
  readonly work: string[] = [];
  #seq = 0;

  readonly boot: string;

  constructor(boot = 'first') {
    this.boot = boot;
    this.table = new LogTable(boot);
  }

  /** Asks under the next number; gives `error` or the numbers of the data. */
  ask(kind: number, data?: Uint8Array, rest: Partial<Ask> = {}): number | number[] {
    const step = this.step({ kind, seq: (this.#seq += 1), ...(data && { data }), ...rest });
    const { error, data: told } = decodeTold(step!.answer.reply!);
    return error === 0 ? fromU64(told) : error;
  }

  step(ask: Ask): Step | undefined {
    const step = this.table.handle(encodeAsk(ask));
    this.store(step);
    return step;
  }

  store(step: Step | undefined): void {
    const { uuid, image, patches, durable } = step?.work ?? {};
    if (uuid === undefined) return;
    this.work.push(image ? 'image' : `${patches!.length}${durable ? ' flushed' : ''}`);
    if (image !== undefined) this.files.set(uuid, Buffer.from(image));
    for (const { offset, bytes } of patches!) this.files.get(uuid)!.set(bytes, offset);
    if (durable) this.flushed.set(uuid, Buffer.from(this.files.get(uuid)!));
  }

  /** Another server takes over: of the same boot, or after the machine was cut off. */
  restart(boot: string = this.boot): void {
    this.table = new LogTable(boot);
    for (const file of (boot === this.boot ? this.files : this.flushed).values()) {
      if (!this.table.restore(new Uint8Array(file))) throw new Error('a file is not read');
    }
  }

  begin(line = '4096 file 1024', luid: bigint = OLD): void {
    this.ask(asks.ctr, Buffer.from(line), { luid });
    this.ask(asks.resume, undefined, { luid });
  }

  /** What is in sync, and clean, of four regions. */
  get regions(): string {
    const bits = (kind: number, luid: bigint) =>
      [0, 1, 2, 3].map((region) => String(this.ask(kind, u64(region), { luid }))).join('');
    const { running } = this.table.log('one')!.state;
    const luid = running === undefined ? OLD : BigInt(`0x${running}`);
    return `${bits(asks.inSync, luid)} ${bits(asks.isClean, luid)}`;
  }
}

/** A bench with a table that runs. */
export function bench(line?: string): Bench {
  const made = new Bench();
  made.begin(line);
  return made;
}

/** A luid as the server writes it. */
export function hex(luid: bigint): string {
  return luid.toString(16).padStart(16, '0');
}
