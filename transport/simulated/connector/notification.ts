import type { ConnectorId } from '../../../core/id.ts';
import { LITTLE_ENDIAN, Slab } from '../../../core/slab.ts';
import type { CnMsg } from './message.ts';

/** `struct cn_notify_req`: first <= x < first + range, in 32 bits that wrap. */
interface Range {
  readonly first: number;
  readonly range: number;
}

/** `struct cn_ctl_msg` with what follows it. */
interface Request {
  readonly idx: readonly Range[];
  readonly val: readonly Range[];
  readonly group: number;
}

/** sizeof(struct cn_ctl_msg): idx_notify_num, val_notify_num, group, len. */
const CTL = 16;
/** sizeof(struct cn_notify_req). */
const RANGE = 8;
/** Requests kept. The kernel kept any number of anybody's, for which it was deleted. */
const REQUESTS_MAX = 65_536;

/**
 * Who wants to know when which ids are registered and unregistered: the connector's own id {-1,-1}
 * (KF §4). A request belongs to nobody: it stays when its sender is gone.
 */
export class NotificationList {
  readonly #shipped: boolean;
  /** Newest first. */
  #requests: Request[] = [];

  /** `shipped`: with the bug that was in every kernel that had this. */
  constructor(shipped: boolean) {
    this.#shipped = shipped;
  }

  /** Takes a request: to group 0 it takes equal ones back. What is malformed is ignored. */
  request(msg: CnMsg): void {
    const request = parse(msg);
    if (request === undefined) return;
    if (request.group === 0) {
      this.#requests = this.#requests.filter((each) => !sameRanges(each, request));
    } else if (this.#requests.length < REQUESTS_MAX) this.#requests.unshift(request);
  }

  /** The groups to be told of an id; one that asked twice is told twice. */
  groups(id: ConnectorId): number[] {
    return this.#requests.filter((each) => this.#matches(each, id)).map(({ group }) => group);
  }

  #matches({ idx, val }: Request, id: ConnectorId): boolean {
    const found = idx.findIndex((range) => contains(range, id.idx));
    if (found < 0) return false;
    if (!this.#shipped) return val.some((range) => contains(range, id.val));
    // The second loop counts the val ranges, but goes on where the first one stopped.
    const all = [...idx, ...val];
    return all.slice(found, found + val.length).some((range) => contains(range, id.val));
  }
}

function contains({ first, range }: Range, value: number): boolean {
  return value >= first && value < (first + range) >>> 0;
}

function parse({ len, data }: CnMsg): Request | undefined {
  if (len < CTL || data.length < len) return undefined;
  const { view } = new Slab(data);
  const word = (at: number): number => view.getUint32(at, LITTLE_ENDIAN);
  const [idxCount, valCount, group] = [word(0), word(4), word(8)];
  if (len !== CTL + RANGE * (idxCount + valCount) || word(12) + CTL !== len) return undefined;
  const ranges: Range[] = [];
  for (let at = CTL; at < len; at += RANGE) ranges.push({ first: word(at), range: word(at + 4) });
  return { idx: ranges.slice(0, idxCount), val: ranges.slice(idxCount), group };
}

function sameRanges(left: Request, right: Request): boolean {
  return same(left.idx, right.idx) && same(left.val, right.val);
}

function same(left: readonly Range[], right: readonly Range[]): boolean {
  if (left.length !== right.length) return false;
  return left.every(
    ({ first, range }, at) => first === right[at]!.first && range === right[at]!.range,
  );
}
