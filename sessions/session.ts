import type { Caller } from './caller.ts';
import type { Drop } from './counters.ts';
import { encodeSignal } from './encode.ts';
import type { Incoming } from './incoming.ts';
import { takeMessage } from './intake.ts';
import { Machines, type MachinesParts } from './machines.ts';
import { sameId } from './messages.ts';
import { Patience } from './patience.ts';
import type { Responder } from './responder.ts';
import type { Resources } from './resources.ts';
import type { Service } from './service.ts';
import type { SessionParts } from './session-parts.ts';
import type { Sleeper } from './vigil.ts';
import { assert } from '../core/assert.ts';
import type { ErrorCode, Outcome } from '../core/errors.ts';
import type { ConnectorId } from '../core/id.ts';
import { align4, type Slab } from '../core/slab.ts';
import type { Carrier } from '../reliability/carrier.ts';
import type { Outgoing } from '../reliability/outgoing.ts';
import type { Credentials, Peer } from '../transport/transport.ts';
import { CN_MSG_HEADER, cnMsgLength } from '../transport/wire/cnmsg.ts';
import * as frame from '../transport/wire/frame.ts';
import type { Incarnation } from '../transport/wire/handshake.ts';

/**
 * - `open`: calls go both ways.
 * - `draining`: no new ones; those here are finished.
 * - `closing`: all is finished, CLOSE is under way.
 * - `ended`: nothing is sent any more; the demultiplexer forgets it.
 */
export type SessionState = 'open' | 'draining' | 'closing' | 'ended';

/** How often CLOSE is repeated before the session is forgotten without an acknowledgement. */
const CLOSE_PROBES = 3;
/** How often a quiet caller is asked for a sign of life within `limits.silenceMs`. */
const PINGS_PER_SILENCE = 3;
/** No peer is asked more often than once in so many of its probe time-outs. */
const PROBES_PER_PING = 8;
/**
 * A grant below this, truesize, says that one end has many peers: they ask less often, so that all
 * of them together take no more than some hundred datagrams a second.
 */
const CROWDED = 16_384;

/**
 * One conversation with one incarnation of one peer about one connector id: a carrier, a caller and
 * a responder. Sans-IO, with the carrier's four families of methods; the endpoint drives it.
 *
 * A session in which nothing happens for `limits.sleepMs` lets go of these machines and keeps the
 * numbers that they are made again from, a tenth of the memory. Whoever asks for one of them wakes
 * it. Nobody can tell by what it sends whether it has slept.
 */
export class Session implements Sleeper {
  readonly id: ConnectorId;
  readonly peer: Peer;
  readonly incarnation: Incarnation;
  /** The peer as the kernel names it, where the transport vouches for it. */
  readonly credentials: Credentials | undefined;
  /** True if the peer opened it. */
  readonly accepted: boolean;
  /** Our number and tag for it, and the peer's. */
  readonly number: number;
  readonly tag: number;
  readonly peerNumber: number;
  readonly peerTag: number;
  readonly #resources: Resources;
  /** What it works with; undefined while it sleeps. */
  #machines: Machines | undefined;
  /** What they are made again from. */
  #kept: readonly number[] | undefined;
  #state: SessionState = 'open';
  #lost = false;
  #enders: (() => void)[] | undefined;
  /** Who answers the peer's requests; undefined: nobody, they are unimplemented. */
  service: Service | undefined;
  /** Kept by the driver: when it looks at it next, that it is about to, that it waits at a gate. */
  wakesAt: number = Infinity;
  touched = false;
  gated = false;

  constructor(resources: Resources, parts: SessionParts, now: number) {
    const { own, remote } = parts;
    this.id = parts.id;
    this.peer = parts.peer;
    this.incarnation = parts.incarnation;
    this.credentials = parts.credentials;
    this.accepted = parts.accepted;
    this.number = own.session;
    this.tag = own.tag;
    this.peerNumber = remote.session;
    this.peerTag = remote.tag;
    this.#resources = resources;
    this.#machines = Machines.begin(this.#machinesParts(), own, remote, now);
    resources.vigil.note(this);
  }

  get carrier(): Carrier {
    return this.#awake().carrier;
  }

  get caller(): Caller {
    return this.#awake().caller;
  }

  get responder(): Responder {
    return this.#awake().responder;
  }

  /** True while it has no machines: nothing is open, and nothing is to be sent or reported. */
  get asleep(): boolean {
    return this.#machines === undefined;
  }

  /**
   * Goes to sleep if it has been quiet for long enough, and forgetting what it would forget could
   * not make any statement untrue. False if it is to be looked at again.
   */
  sleep(now: number): boolean {
    const machines = this.#machines;
    if (machines === undefined || this.#state === 'ended') return true;
    if (this.#state !== 'open' || machines.peerClosed) return false;
    if (now - machines.carrier.quietSince < this.#resources.limits.sleepMs) return false;
    this.#kept = machines.suspend();
    if (this.#kept === undefined) return false;
    this.#machines = undefined;
    return true;
  }

  get state(): SessionState {
    return this.#state;
  }

  /** True if it ended while calls of the peer may have been open in it. */
  get lost(): boolean {
    return this.#lost;
  }

  /** True if forgetting this session now could not make any statement about a call untrue. */
  get idle(): boolean {
    if (this.asleep) return true;
    return this.caller.size === 0 && this.responder.size === 0 && this.carrier.settled;
  }

  /**
   * Takes a DATA datagram at slab[start, end) that is addressed to this session and carries its
   * tag. Gives the reason if it is dropped; then nothing has changed.
   */
  handleData(
    slab: Slab,
    start: number,
    messagesAt: number,
    end: number,
    now: number,
  ): Drop | undefined {
    if (this.#state === 'ended') return 'unknown-session'; // it ended in this batch
    if (!sameId(slab, start + frame.ENVELOPE_CN, this.id)) return 'malformed';
    const machines = this.#awake();
    const refusal = machines.carrier.accept(slab, start, now);
    if (refusal !== undefined) return refusal;
    this.#resources.heard(this);
    let at = messagesAt;
    let news = false;
    // What is acknowledged may end the session, and then the rest of the datagram is for nobody.
    while (at < end && this.state !== 'ended') {
      const messageEnd = at + CN_MSG_HEADER + cnMsgLength(slab, at);
      if (takeMessage(machines, slab, at, messageEnd, now)) news = true;
      at = align4(messageEnd - start) + start;
    }
    if (messagesAt < end) machines.carrier.planAcknowledgement(news, now);
    return undefined;
  }

  /** Does what time has made due. */
  handleTimeout(now: number): void {
    const machines = this.#machines;
    if (machines === undefined || this.#state === 'ended') return;
    const { carrier, patience } = machines;
    carrier.handleTimeout(now);
    patience.note(this.#heldUp(), now);
    if (now >= this.#pingAt()) this.#say(frame.PING);
    if (now >= patience.endsAt) this.#hurry();
    if (this.#state === 'closing' && carrier.fruitlessProbes > CLOSE_PROBES) {
      // Nothing is open: the peer need not confirm that it knows.
      this.fail('closed', 'the session was closed here', 'unknown');
      return;
    }
    if (carrier.silenceMs(now) < this.#resources.limits.silenceMs) return;
    this.fail('peer-lost', 'the peer does not answer any more', 'unknown');
  }

  /**
   * Closes in good order: new requests are refused, those here are finished and answered, then the
   * peer is told. Resolves when the session is over.
   */
  drain(): Promise<void> {
    if (this.#state === 'open') {
      this.#state = 'draining';
      this.responder.drain();
      this.#resources.touched(this);
    }
    if (this.over) return Promise.resolve();
    const enders = (this.#enders ??= []);
    return new Promise((resolve) => enders.push(resolve));
  }

  /** True if it has ended and nothing that it accepted is still to run. */
  get over(): boolean {
    return this.#state === 'ended' && (this.asleep || this.responder.size === 0);
  }

  /** Called by the driver once it has forgotten the session, which is over. */
  handleForgotten(): void {
    for (const resolve of this.#enders?.splice(0) ?? []) resolve();
  }

  /** The longest value that both sides take, bytes. */
  get valueMax(): number {
    return this.#awake().valueMax;
  }

  /** Hands a request to whoever serves the peer. */
  serve(request: Incoming, now: number): void {
    if (this.service !== undefined) this.service.dispatch(this, request, now);
    else this.responder.refuse(request, frame.STATUS_UNIMPLEMENTED);
  }

  /** Ends the session at once. `transmitted` is the outcome of calls that had been sent. */
  fail(code: ErrorCode, message: string, transmitted: Outcome): void {
    if (this.#state === 'ended') return;
    this.#state = 'ended';
    this.#lost = code === 'peer-lost';
    this.#machines?.caller.fail(code, message, transmitted);
    this.#machines?.responder.fail(true);
    this.#resources.touched(this);
  }

  pollTransmit(slab: Slab, now: number): number {
    const machines = this.#machines;
    if (machines === undefined || this.#state === 'ended') return 0;
    const { carrier, caller, responder, patience } = machines;
    caller.admit(0);
    // Refusals may be under way for ever if the peer goes on asking; CLOSE tells it all the same.
    const finished = caller.open === 0 && responder.owed === 0;
    if (this.#state === 'draining' && finished) this.#sayClose();
    patience.note(this.#heldUp(), now);
    return carrier.pollTransmit(slab, now);
  }

  pollTimeout(): number {
    const machines = this.#machines;
    if (machines === undefined || this.#state === 'ended') return Infinity;
    return Math.min(machines.carrier.pollTimeout(), this.#pingAt(), machines.patience.endsAt);
  }

  /** The peer's CLOSE has been acknowledged by what was just sent: there is nothing left to say. */
  handleTransmitted(): void {
    if (this.#state === 'ended') return;
    const { caller, peerClosed } = this.#awake();
    caller.admit(1);
    if (peerClosed) this.fail('closed', 'the peer closed the session', 'not-executed');
  }

  #awake(): Machines {
    return this.#machines ?? this.#wake();
  }

  #wake(): Machines {
    const kept = this.#kept;
    assert(kept !== undefined, 'a session that sleeps knows how to go on');
    const machines = Machines.resume(this.#machinesParts(), kept);
    this.#machines = machines;
    this.#kept = undefined;
    this.#resources.vigil.note(this);
    return machines;
  }

  #machinesParts(): MachinesParts {
    return {
      session: this,
      resources: this.#resources,
      delivered: (message) => this.#delivered(message),
      refusal: (incoming) => this.#refusal(incoming),
      hostile: () => this.fail('peer-lost', 'the peer keeps to no bound', 'unknown'),
    };
  }

  #delivered(message: Outgoing): void {
    if (this.#state === 'ended') return; // ended by what the same datagram acknowledged before
    switch (message.kind) {
      case frame.REQUEST:
      case frame.SEND:
      case frame.REQUEST_PIECE:
      case frame.CANCEL:
        this.caller.handleDelivered(message);
        break;
      case frame.REPLY:
      case frame.REPLY_PIECE:
        this.responder.handleDelivered(message);
        break;
      case frame.CLOSE:
        this.fail('closed', 'the session was closed here', 'unknown');
    }
  }

  /** How often who waits for a reply asks, ms: more rarely where one end has many peers. */
  get askMs(): number {
    const { limits, grant } = this.#resources;
    const { carrier } = this;
    const crowd = Math.max(1, CROWDED / Math.min(carrier.grant, grant()));
    return Math.max(limits.pingMs, PROBES_PER_PING * carrier.roundTrip.probeMs) * crowd;
  }

  /**
   * When to ask whether the peer still lives: only while calls are open in which nothing moves. A
   * session without open calls is silent for ever.
   */
  #pingAt(): number {
    const { carrier, caller, responder } = this;
    const { limits } = this.#resources;
    if (!carrier.settled || (caller.open === 0 && responder.owed === 0)) return Infinity;
    const rareMs = limits.silenceMs / PINGS_PER_SILENCE;
    if (caller.open === 0) return carrier.quietSince + rareMs;
    // Who waits for a reply wants to know soon if nobody works on it any more.
    return carrier.quietSince + Math.min(this.askMs, rareMs);
  }

  /** True if nothing but the peer keeps the session from being closed. */
  #heldUp(): boolean {
    return this.#state === 'draining' && this.caller.open === 0 && this.responder.stalled;
  }

  /** The peer has had the time that P7.3 allows it. */
  #hurry(): void {
    const machines = this.#awake();
    if (machines.hurried) {
      this.fail('peer-lost', 'the peer does not let the session be closed', 'unknown');
      return;
    }
    machines.hurried = true;
    machines.patience = new Patience(this.#resources.limits.silenceMs);
    machines.responder.hurry();
  }

  /** Why nobody here can take a request, if so. */
  #refusal(incoming: Incoming): number | undefined {
    if (this.service === undefined) return frame.STATUS_UNIMPLEMENTED;
    return this.service.refusal(incoming);
  }

  #sayClose(): void {
    this.#state = 'closing';
    this.#say(frame.CLOSE);
  }

  #say(kind: number): void {
    const identity = { id: this.id, seq: 0, ack: this.#resources.random.u32() };
    this.carrier.enqueue(encodeSignal(this.#resources.arena, identity, kind));
  }
}
