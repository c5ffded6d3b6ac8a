import type { FlowLink } from './flow.ts';
import type { Incoming } from './incoming.ts';

/** Holds what a responder is made of. */
export interface ResponderParts {
  readonly link: FlowLink;
  readonly firstSeq: number;
  /** The status to refuse a request with that nobody here can take; undefined: somebody can. */
  readonly refusal: (incoming: Incoming) => number | undefined;
  /** The peer keeps to no bound. */
  readonly hostile: () => void;
}
