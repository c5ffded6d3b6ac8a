import { BareExchange } from './bare.ts';
import { countMessages, countSend, newCounters } from './counters.ts';
import { Demux } from './demux.ts';
import { Dialer } from './dialer.ts';
import { EventExchange } from './events/exchange.ts';
import { FlowRoom } from './flow-room.ts';
import { Gates, LOOK_MS } from './gates.ts';
import { grantOf } from './grant.ts';
import { Handshakes, type Handshake } from './handshakes.ts';
import type { Incoming } from './incoming.ts';
import type { Resources, Timed } from './resources.ts';
import { Roster } from './roster.ts';
import { Router, type ControlDatagram } from './router.ts';
import type { Service } from './service.ts';
import type { Session } from './session.ts';
import { Turns } from './turns.ts';
import { Vigil } from './vigil.ts';
import { Wakeup } from './wakeup.ts';
import type { Clock } from '../core/clock.ts';
import type { Limits } from '../core/limits.ts';
import type { Random } from '../core/random.ts';
import { Arena } from '../core/arena.ts';
import { Copies } from '../core/copies.ts';
import { Slab } from '../core/slab.ts';
import { ReplyCache } from '../reliability/replies.ts';
import { Wheel } from '../reliability/wheel.ts';
import type { SendOutcome, Sink, Source, Transport } from '../transport/transport.ts';
import { stampChecksum } from '../transport/wire/checksum.ts';
import * as frame from '../transport/wire/frame.ts';
import { writeOpening, type Incarnation } from '../transport/wire/handshake.ts';

const resolved = Promise.resolve();
/** Taken once: `process` is a getter, which costs more than the call. */
const { nextTick } = process;
/** Datagrams to one session before the others get their turn. */
const BURST = 64;

/** Holds what a driver drives, and by what. */
export interface DriverParts {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: Limits;
  /** The service of an id, as `formatId` writes it. */
  readonly services: ReadonlyMap<string, Service>;
}

/**
 * The one place where the state machines meet a transport and a clock.
 *
 * Each turn is: mutate (a batch of datagrams, a timer, commands), hand what is finished to the
 * user's code, then drain - poll every touched session until it has nothing to send - and set when
 * to be woken. User code never runs while a machine is half-way through a mutation. The drain waits
 * until all promise reactions of the turn have run, so that the replies and the next calls of a
 * whole batch travel together.
 */
export class Driver implements Sink {
  readonly resources: Resources;
  readonly demux: Demux;
  readonly exchange: BareExchange;
  readonly events: EventExchange;
  readonly dialer: Dialer;
  readonly #transport: Transport;
  readonly #clock: Clock;
  readonly #router: Router;
  readonly #handshakes: Handshakes;
  readonly #control: ControlDatagram[] = [];
  readonly #touched: Session[] = [];
  readonly #roster: Roster;
  readonly #gates = new Gates<Session>();
  readonly #turns: Turns;
  readonly #wakeup: Wakeup;
  readonly #out: Slab;
  #now: number;
  #inBatch = false;
  #scheduled = false;
  #closed = false;

  constructor(parts: DriverParts) {
    const { transport, clock, random, limits, services } = parts;
    this.#transport = transport;
    this.#clock = clock;
    this.#turns = new Turns(clock, transport.traits.lossless);
    this.#now = clock.now();
    this.#out = new Slab(transport.traits.datagramMax);
    const resources: Resources = {
      limits,
      traits: transport.traits,
      grainMs: clock.grainMs,
      random,
      deadlines: new Wheel<Timed>(),
      replies: new ReplyCache<Incoming>(limits.repliesMax, limits.replyBytesMax),
      counters: newCounters(),
      arena: new Arena(),
      copies: new Copies(),
      flows: new FlowRoom(limits.flowCostMax),
      vigil: new Vigil(limits.sleepMs),
      grant: () => this.#grant(),
      touched: (session) => this.#touch(session),
      runnable: (backlog) => {
        this.#turns.add(backlog);
        if (!this.#inBatch) this.schedule();
      },
      heard: (session) => this.#heard(session),
      thinned: () => this.#turns.handleLoss(),
      armed: () => this.schedule(),
      requestsHeld: 0,
      requestBytesHeld: 0,
      placesHeld: 0,
      refusalsHeld: 0,
    };
    this.resources = resources;
    const incarnation: Incarnation = { high: random.u32(), low: random.u32() };
    const demux = new Demux(resources);
    const handshakes = new Handshakes(random, incarnation);
    this.#handshakes = handshakes;
    const bare = new BareExchange(resources, () => this.#now);
    this.demux = demux;
    this.#roster = new Roster(demux);
    this.exchange = bare;
    const events = new EventExchange(resources, () => this.#now);
    this.events = events;
    const send = (datagram: ControlDatagram): void => {
      this.#control.push(datagram);
    };
    const tables = { demux, handshakes, bare, events, services };
    this.#router = new Router({ resources, incarnation, ...tables, send });
    const open = (handshake: Handshake): SendOutcome => this.#sendOpen(handshake);
    const closed = (): boolean => this.#closed;
    this.dialer = new Dialer({ clock, resources, demux, handshakes, closed, send: open });
    this.#wakeup = new Wakeup(clock, transport, this.#wake);
    transport.start(this);
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** All sessions that are open or still have something to run. */
  sessions(): Session[] {
    return this.#roster.all();
  }

  receive(slab: Slab, start: number, end: number, source: Source): void {
    if (this.#closed) return;
    if (!this.#inBatch) {
      this.#inBatch = true;
      this.#now = this.#clock.now(); // once a batch: a reading costs as much as a call may spend
    }
    const { counters } = this.resources;
    counters.datagramsReceived += 1;
    const drop = this.#router.handleDatagram(slab, start, end, source, this.#now);
    if (drop !== undefined) counters.dropped[drop] += 1;
  }

  overrun(lost: number): void {
    if (this.#closed) return;
    this.resources.counters.overrun += lost;
    this.#now = this.#clock.now();
    this.exchange.handleOverrun();
    for (const session of this.#roster.heardLately(this.#now)) {
      session.carrier.handleOverrun(this.#now);
      this.#touch(session);
    }
    this.events.handleOverrun();
  }

  received(): void {
    if (this.#closed) return;
    this.#inBatch = false;
    this.exchange.handleReceived();
    this.#turns.handleRead();
    this.#handOver();
    this.schedule();
  }

  looked(): void {
    this.#wakeup.handleLook();
  }

  failed(error: Error): void {
    for (const session of this.demux.sessions()) {
      session.fail('peer-lost', `the transport failed: ${error.message}`, 'unknown');
    }
    this.exchange.fail(`the transport failed: ${error.message}`);
    this.events.fail(`the transport failed: ${error.message}`);
    this.schedule();
  }

  /** Sees to it that everything touched is sent at the end of this turn. */
  schedule(): void {
    if (this.#scheduled || this.#closed) return;
    this.#scheduled = true;
    // Node's queueMicrotask takes three times as long, for an AsyncResource that nobody asks for.
    void resolved.then(this.#planTurn);
  }

  /** Sends what can be sent, hands over what is finished, and stops for good. */
  destroy(): void {
    if (this.#closed) return;
    this.#now = this.#clock.now();
    for (const session of this.demux.sessions()) {
      session.fail('closed', 'the endpoint is closed', 'unknown');
    }
    this.events.close();
    this.#drain();
    for (const session of this.sessions()) {
      session.responder.fail(false);
      session.handleForgotten(); // a drain that waits for what ran on would wait for ever
    }
    this.#closed = true;
    this.events.destroy();
    this.#handshakes.fail();
    this.#wakeup.disarm();
    this.#transport.close();
  }

  /** A tick made by a microtask runs when all microtasks, however long their chains, are done. */
  readonly #planTurn = (): void => nextTick(this.#turn);

  readonly #turn = (): void => {
    this.#scheduled = false;
    if (this.#closed) return;
    this.#now = this.#clock.now();
    this.#drain();
    this.#arm();
  };

  readonly #wake = (): void => {
    this.#turns.handleRead();
    this.#now = this.#clock.now();
    this.resources.deadlines.expire(this.#now, (timed) => timed.expire());
    for (let due = this.#roster.due(this.#now); due; due = this.#roster.due(this.#now)) {
      due.handleTimeout(this.#now);
      this.#touch(due);
    }
    this.resources.vigil.handleTimeout(this.#now);
    this.#handOver();
    this.schedule();
  };

  #heard(session: Session): void {
    this.#roster.heard(session, this.#now);
    const asker = this.#gates.heard(session, this.#now);
    if (asker !== undefined) this.#touch(asker);
  }

  #touch(session: Session): void {
    if (session.touched) return;
    session.touched = true;
    this.#touched.push(session);
    if (!this.#inBatch) this.schedule();
  }

  /** Gives what the machines have finished to the user's code. */
  #handOver(): void {
    this.#pollSessions();
    do this.#now = this.#turns.run(this.#now);
    while (this.#pollSessions()); // a handler that has ended frees the next of its channel
    for (let news = this.exchange.pollNews(); news; news = this.exchange.pollNews()) {
      const { listener, message } = news;
      queueMicrotask(() => listener(message)); // a throw in it is its own, not the driver's
    }
  }

  /** Gives whether a request may start. */
  #pollSessions(): boolean {
    let found = false;
    for (let index = 0; index < this.#touched.length; index++) {
      const session = this.#touched[index]!;
      if (session.asleep) continue;
      const { responder, caller } = session;
      for (let gone = responder.pollAborted(); gone; gone = responder.pollAborted()) gone.abort();
      for (let call = caller.pollBegun(); call; call = caller.pollBegun()) {
        call.manner.begun?.(call);
      }
      for (let call = caller.pollSettled(); call; call = caller.pollSettled()) {
        call.site.settled(call);
      }
      let request = responder.pollRequest();
      found ||= request !== undefined;
      for (; request; request = responder.pollRequest()) session.serve(request, this.#now);
    }
    return found;
  }

  #drain(): void {
    this.#handOver();
    if (this.#control.length > 0) this.#sendControl();
    this.#sendBare();
    this.#sendEvents();
    if (this.#touched.length > 0) this.#sendData();
    this.#turns.handleSent();
    this.#handOver(); // a peer found dead while sending settles its calls
    if (this.#turns.goesOn) this.schedule();
  }

  #sendControl(): void {
    for (const { peer, bytes } of this.#control.splice(0)) {
      this.resources.counters.controlSent += 1;
      this.#send(bytes, bytes.bytes.length, peer);
    }
  }

  #sendData(): void {
    for (const session of this.#touched.splice(0)) {
      session.touched = false;
      const passed = this.#gates.pass(session, this.#transmit);
      if (!passed) this.#roster.file(session, this.#now + LOOK_MS);
    }
  }

  /** Sends what a session may send now, and files it. False if its peer's queue is full. */
  readonly #transmit = (session: Session): boolean => {
    const { traits } = this.resources;
    for (let sent = 0; ; sent++) {
      if (sent === BURST) {
        this.#touch(session); // the rest with the next turn
        break;
      }
      const length = session.pollTransmit(this.#out, this.#now);
      if (length === 0) break;
      if (!traits.intact) stampChecksum(this.#out, 0, length);
      const outcome = this.#send(this.#out, length, session.peer);
      if (outcome === 'sent') {
        countMessages(this.resources.counters, session.carrier.transmitted(this.#now));
        session.handleTransmitted();
        this.#gates.taken(session.peer);
        continue;
      }
      const full = outcome === 'busy';
      const since = full ? this.#gates.refused(session, this.#now) : this.#now;
      session.carrier.refused(full, since, this.#now);
      if (outcome === 'no-peer' && traits.reportsDeath) {
        session.fail('peer-lost', 'nobody is bound to the address any more', 'unknown');
      }
      break;
    }
    this.#roster.file(session);
    return session.state === 'ended' || session.asleep || !session.carrier.stalled;
  };

  #send(slab: Slab, length: number, peer: number, group = 0): SendOutcome {
    const outcome =
      group === 0
        ? this.#transport.send(slab, 0, length, peer)
        : this.#transport.multicast(slab, 0, length, group);
    countSend(this.resources.counters, outcome);
    if (outcome !== 'sent') this.#turns.handleLoss();
    return outcome;
  }

  #sendOpen(handshake: Handshake): SendOutcome {
    if (this.#closed) return 'denied';
    const bytes = new Slab(frame.OPEN_LENGTH);
    writeOpening(bytes, frame.OPEN, handshake.opening);
    if (!this.resources.traits.intact) stampChecksum(bytes, 0, frame.OPEN_LENGTH);
    this.resources.counters.controlSent += 1;
    return this.#send(bytes, frame.OPEN_LENGTH, handshake.peer);
  }

  #sendBare(): void {
    const { counters } = this.resources;
    for (;;) {
      const next = this.exchange.pollTransmit(this.#out);
      if (next === undefined) return;
      const { send, length } = next;
      const outcome = this.#send(this.#out, length, send.peer);
      if (outcome === 'sent') {
        if (send.request === undefined) counters.repliesSent += 1;
        else counters.requestsSent += 1;
      }
      this.exchange.transmitted(send, outcome);
    }
  }

  #sendEvents(): void {
    for (;;) {
      const send = this.events.pollTransmit(this.#out);
      if (send === undefined) return;
      const { length, peer, group, done } = send;
      if (!this.resources.traits.intact) stampChecksum(this.#out, 0, length);
      if (length === frame.EVENT_LENGTH) this.resources.counters.controlSent += 1;
      done(this.#send(this.#out, length, peer, group));
    }
  }

  #grant(): number {
    return grantOf(this.resources.traits, this.#roster.talkers(this.#now));
  }

  #arm(): void {
    const { deadlines, vigil } = this.resources;
    const next = Math.min(this.#roster.nextAt, deadlines.nextAt, vigil.pollTimeout(this.#now));
    this.#wakeup.set(this.#turns.waiting ? this.#now : next);
  }
}
