import { Caller } from './caller.ts';
import { METHOD_LENGTH_MAX } from './encode.ts';
import type { FlowShare } from './flow-room.ts';
import type { FlowLink } from './flow.ts';
import type { Incoming } from './incoming.ts';
import { Patience } from './patience.ts';
import { Responder } from './responder.ts';
import type { Resources } from './resources.ts';
import type { Session } from './session.ts';
import type { Half } from './session-parts.ts';
import { assert } from '../core/assert.ts';
import { align4 } from '../core/slab.ts';
import { Carrier } from '../reliability/carrier.ts';
import { Kept } from '../reliability/kept.ts';
import type { Outgoing } from '../reliability/outgoing.ts';
import { CN_MSG_HEADER } from '../transport/wire/cnmsg.ts';
import * as frame from '../transport/wire/frame.ts';

/** Room for the envelope, its bitmap and the headers of one message with the longest name. */
const HEADERS = CN_MSG_HEADER + frame.REQUEST_HEADER + METHOD_LENGTH_MAX;
const OVERHEAD = align4(frame.DATA_BITMAP + 4 * frame.BITMAP_WORDS_MAX + HEADERS);

/** Ties machines to their session. */
export interface MachinesParts {
  readonly session: Session;
  readonly resources: Resources;
  readonly delivered: (message: Outgoing) => void;
  readonly refusal: (incoming: Incoming) => number | undefined;
  readonly hostile: () => void;
}

/** What each side stated, and machines go by for ever. */
type OwnTerms = Pick<Half, 'credit'>;
type Terms = Pick<Half, 'window' | 'valueMax' | 'credit'>;
/** Where they begin. */
type Beginning = Pick<Half, 'firstNumber' | 'firstSeq' | 'grant'>;

/**
 * What a session works with while it is awake. All that a peer could tell by whether a session has
 * slept is in these machines, and goes into the record that `suspend` gives.
 */
export class Machines {
  readonly carrier: Carrier;
  readonly caller: Caller;
  readonly responder: Responder;
  /** For a peer that alone holds up the end: first to let us finish, then to hear how it ended. */
  patience: Patience;
  hurried = false;
  peerClosed = false;
  readonly #parts: MachinesParts;
  readonly #own: OwnTerms;
  readonly #remote: Terms;
  readonly #flows: FlowShare;

  constructor(
    parts: MachinesParts,
    own: OwnTerms & Beginning,
    remote: Terms & Beginning,
    now: number,
  ) {
    const { session, resources, delivered, hostile } = parts;
    const { traits, grainMs, limits } = resources;
    this.#parts = parts;
    this.#own = own;
    this.#remote = remote;
    this.#flows = resources.flows.share();
    this.patience = new Patience(limits.silenceMs);
    const options = {
      id: session.id,
      traits,
      grainMs,
      packedMax: limits.packedMax,
      ownSession: session.number,
      peerSession: session.peerNumber,
      peerTag: session.peerTag,
      firstSent: own.firstNumber,
      firstReceived: remote.firstNumber,
      grant: remote.grant,
      ownGrant: resources.grant,
      delivered,
      thinned: resources.thinned,
    };
    this.carrier = new Carrier(options, now);
    this.caller = new Caller({
      link: this.#link('caller'),
      incarnation: session.incarnation,
      firstSeq: own.firstSeq,
      window: Math.min(remote.window, 2 ** 30),
      valueMax: remote.valueMax,
      hostile,
    });
    const { refusal } = parts;
    const link = this.#link('responder');
    this.responder = new Responder({ link, firstSeq: remote.firstSeq, refusal, hostile });
  }

  /**
   * Makes the machines of a session that opens. They take their numbers as those that wake up do:
   * V8 takes a field that was never written again for a constant, and threw away the compiled code
   * of the whole path when the first session of a process woke up.
   */
  static begin(
    parts: MachinesParts,
    own: OwnTerms & Beginning,
    remote: Terms & Beginning,
    now: number,
  ): Machines {
    const numbers = new Machines(parts, own, remote, now).suspend();
    assert(numbers !== undefined, 'nothing has happened yet');
    return Machines.resume(parts, numbers);
  }

  /** Makes the machines again that `suspend` was called on last. */
  static resume(parts: MachinesParts, numbers: readonly number[]): Machines {
    const kept = new Kept(numbers);
    const resumed = { firstNumber: 0, firstSeq: 0, grant: 0 }; // below
    const own = { credit: kept.take(), ...resumed };
    const [window, valueMax, credit] = [kept.take(), kept.take(), kept.take()];
    const machines = new Machines(parts, own, { window, valueMax, credit, ...resumed }, 0);
    machines.carrier.resume(kept);
    machines.caller.resume(kept);
    machines.responder.resume(kept);
    assert(kept.used, 'machines take all that they put');
    return machines;
  }

  /**
   * Gives what they can be made again from; undefined while something is open, under way, planned
   * or held, as that would be forgotten. The session takes calls and was not told of the end.
   */
  suspend(): readonly number[] | undefined {
    const { carrier, caller, responder } = this;
    if (!carrier.dormant || !caller.dormant || !responder.dormant) return undefined;
    if (this.#flows.cost > 0) return undefined;
    const kept = new Kept();
    const { window, valueMax, credit } = this.#remote;
    kept.put(this.#own.credit, window, valueMax, credit);
    carrier.suspend(kept);
    caller.suspend(kept);
    responder.suspend(kept);
    return kept.numbers;
  }

  /** The longest value that both sides take, bytes. */
  get valueMax(): number {
    return Math.min(this.#remote.valueMax, this.#parts.resources.limits.valueMax);
  }

  #link(side: 'caller' | 'responder'): FlowLink {
    const { session, resources } = this.#parts;
    const { limits, traits } = resources;
    const [own, remote] = [this.#own, this.#remote];
    const wholeMax = Math.min(limits.payloadMax, traits.datagramMax - OVERHEAD);
    // Several pieces fit the peer's credit, or each would wait for the one before.
    const share = (remote.credit >>> 2) - frame.PIECE_COST;
    const calling = side === 'caller';
    return {
      resources,
      carrier: this.carrier,
      id: session.id,
      wholeMax,
      pieceMax: Math.min(limits.packedMax - OVERHEAD, wholeMax, share),
      // A caller takes what is replied from the start; who answers first looks at the request.
      granted: calling ? { out: 0, in: own.credit } : { out: remote.credit, in: 0 },
      kinds: calling
        ? { piece: frame.REQUEST_PIECE, credit: frame.REPLY_CREDIT }
        : { piece: frame.REPLY_PIECE, credit: frame.REQUEST_CREDIT },
      held: this.#flows,
      overflow: (seq) => (calling ? this.caller : this.responder).handleOverflow(seq),
      touched: () => resources.touched(session),
    };
  }
}
