import { call, send, settle, stream, submit, type CallOptions, type CallSite } from './calling.ts';
import type { Resources } from './resources.ts';
import type { Session } from './session.ts';
import type { Clock } from '../core/clock.ts';
import { ConnectorError } from '../core/errors.ts';

/** Adjusts a call to one's caller: it is of one session and cannot be repeated in another. */
export type CallBackOptions = Omit<CallOptions, 'idempotent'>;

/**
 * Calls the peer of a session that it opened, as a `Connection` calls its server. Such a call
 * belongs to that session: when it is lost, the call fails with what is known of it.
 */
export class CallBack {
  readonly #site: CallSite;

  constructor(clock: Clock, resources: Resources, session: Session) {
    this.#site = {
      clock,
      resources,
      check: () => {
        if (session.state === 'open') return;
        throw new ConnectorError('closed', 'the session is closed', { outcome: 'not-sent' });
      },
      submit: (made) => submit(session, made),
      settled: settle,
    };
  }

  call(method: string, input?: unknown, options: CallBackOptions = {}): Promise<unknown> {
    return call(this.#site, method, input, options);
  }

  send(method: string, input?: unknown, options: CallBackOptions = {}): Promise<void> {
    return send(this.#site, method, input, options);
  }

  stream(
    method: string,
    input?: unknown,
    options: CallBackOptions = {},
  ): AsyncGenerator<unknown, void, void> {
    return stream(this.#site, method, input, options);
  }
}
