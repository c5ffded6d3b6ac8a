import { required } from '../../core/errors.ts';
import type { Slab } from '../../core/slab.ts';

/** Throws unless slab[start, end) exists and holds at least one byte. */
export function requireRange(slab: Slab, start: number, end: number): void {
  required(
    Number.isInteger(start) && Number.isInteger(end) && start >= 0 && end <= slab.bytes.length,
    'a datagram lies inside its slab',
  );
  required(start < end, 'a datagram has at least one byte');
}

/** Throws unless there is such a multicast group. A user-made netlink family has 32 (KF §10). */
export function requireGroup(group: number): void {
  required(Number.isInteger(group) && group >= 1 && group <= 32, 'a group is 1 … 32');
}
