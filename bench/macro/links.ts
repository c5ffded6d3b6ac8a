import type { Link } from './relay.ts';
import type { Options } from '../options.ts';

/** A load on a link. */
export interface Cell {
  readonly link: Link;
  readonly size: number;
  readonly inFlight: number;
}

const WHOLE = { loss: 0, burst: 1, delayUs: 0, rate: 0, places: 0 };
const BURST = 8;

/** Echo calls of peers.md §2a: no delay or half a millisecond each way. */
const delays = [
  { name: 'round trip ~0', delayUs: 0 },
  { name: 'round trip 1 ms', delayUs: 500 },
];
const losses = [
  { name: 'no loss', loss: 0, burst: 1 },
  ...[0.05, 0.1, 0.2].map((loss) => ({ name: `${loss * 100} % lost`, loss, burst: 1 })),
  { name: `5 % lost in bursts of ${BURST}`, loss: 0.05, burst: BURST },
];

/** A queue that a sender fills by itself if it does not hold back. */
const bottleneck: Link = {
  ...WHOLE,
  name: 'queue of 64, 20,000 datagrams a second',
  rate: 20_000,
  places: 64,
};
const OVERLOAD = { size: 1_024, inFlight: 256 };

/** The loads to be measured, on those links whose names match. */
export function lossCells(
  { sizes = [64], inFlight = [1, 64], link: wanted }: Pick<Options, 'sizes' | 'inFlight' | 'link'>,
): Cell[] {
  const random = delays.flatMap((delay) =>
    losses.map((lost) => ({ ...WHOLE, ...delay, ...lost, name: `${delay.name}, ${lost.name}` })),
  );
  const loads = sizes.flatMap((size) => inFlight.map((count) => ({ size, inFlight: count })));
  const cells = random.flatMap((link) => loads.map((load) => ({ link, ...load })));
  return [...cells, { link: bottleneck, ...OVERLOAD }]
    .filter(({ link }) => wanted?.test(link.name) !== false);
}
