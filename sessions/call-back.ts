import { callParts, settle, start, submit, type CallLimits } from './connection.ts';
import type { CallBackOptions } from './service.ts';
import type { Session } from './session.ts';
import { ConnectorError } from '../core/errors.ts';

/**
 * Calls the peer on a session that it opened. Such a call belongs to that session: when it is lost,
 * the call fails with what is known of it.
 */
export function callBack(
  limits: CallLimits,
  session: Session,
  method: string,
  input: unknown,
  options: CallBackOptions,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    if (session.state !== 'open') {
      throw new ConnectorError('closed', 'the session is closed', { outcome: 'not-sent' });
    }
    const parts = callParts(limits, method, input, options, resolve, reject, settle);
    start(parts, options.signal, (call) => submit(session, call));
  });
}
