import type { Traits } from '../../../transport/transport.ts';
import { truesize } from '../../../transport/truesize.ts';

/** The traits of a made-up transport that charges as netlink does. */
export function fixedTraits(changes: Partial<Traits> = {}): Traits {
  return {
    name: 'made-up',
    fifo: true,
    intact: true,
    reportsOverrun: false,
    lossless: false,
    reportsDeath: false,
    datagramMax: 65_536,
    receiveBuffer: 212_992,
    roundTripHintMs: 1,
    truesize: (length) => truesize(length, true),
    ...changes,
  };
}
