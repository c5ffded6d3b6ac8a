import { Activity } from './activity.ts';
import { Agenda } from './agenda.ts';
import type { Demux } from './demux.ts';
import type { Session } from './session.ts';

/**
 * Which sessions are to be looked after: when each is to be looked at again, which were heard from
 * lately, and which have ended and still run what they accepted. A part of the driver.
 */
export class Roster {
  readonly #demux: Demux;
  readonly #agenda = new Agenda<Session>();
  readonly #activity = new Activity<Session>();
  /** Sessions that have ended and still have to run what they accepted. */
  readonly #lingering = new Set<Session>();

  constructor(demux: Demux) {
    this.#demux = demux;
  }

  /** All sessions that are open or still have something to run. */
  all(): Session[] {
    return [...this.#demux.sessions(), ...this.#lingering];
  }

  /** Something came for a session. */
  heard(session: Session, now: number): void {
    this.#activity.note(session, now);
  }

  /** How many sessions were heard from lately. */
  talkers(now: number): number {
    return this.#activity.count(now);
  }

  /** Those. */
  heardLately(now: number): Session[] {
    return this.#activity.items(now);
  }

  /** When the next session is to be looked at; Infinity if none is. */
  get nextAt(): number {
    return this.#agenda.nextAt;
  }

  /** Takes the next session that is to be looked at now. */
  due(now: number): Session | undefined {
    return this.#agenda.due(now);
  }

  /**
   * Has a session looked at when it asks for it, but not before `soonest`, or forgets it if it has
   * ended.
   */
  file(session: Session, soonest: number = -Infinity): void {
    if (session.state !== 'ended') {
      this.#agenda.file(session, Math.max(session.pollTimeout(), soonest));
      return;
    }
    this.#demux.forget(session);
    this.#activity.forget(session);
    this.#agenda.forget(session);
    if (session.over) {
      this.#lingering.delete(session);
      session.handleForgotten();
    } else this.#lingering.add(session);
  }
}
