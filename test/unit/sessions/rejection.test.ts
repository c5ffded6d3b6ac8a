import test from 'ava';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { ConnectorError } from '../../../core/errors.ts';
import { Rejection } from '../../../sessions/rejection.ts';

test('what is resolved with a rejection is rejected with the very error', async (t) => {
  const error = new ConnectorError('busy', 'later', { outcome: 'not-sent' });
  const promise = new Promise((resolve) => resolve(new Rejection(error)));
  t.is(await t.throwsAsync(promise), error);
});

test('a rejection that nobody handles is reported once, of the promise itself', async (t) => {
  const module = new URL('../../../sessions/rejection.js', import.meta.url).href;
  const script = `
    import { Rejection } from '${module}';
    const seen = [];
    process.on('unhandledRejection', (error, of) => seen.push([error.message, of === promise]));
    process.on('rejectionHandled', () => seen.push('handled'));
    const promise = new Promise((resolve) => resolve(new Rejection(new Error('gone'))));
    setImmediate(() => setImmediate(() => console.log(JSON.stringify(seen))));
  `;
  const args = ['--input-type=module', '--eval', script];
  const { stdout } = await promisify(execFile)(process.execPath, args, { env: {} });
  t.deepEqual(JSON.parse(stdout), [['gone', true]]);
});
