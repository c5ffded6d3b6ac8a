import assert from 'node:assert/strict';
import { writeFileSync, readFileSync } from 'node:fs';
import { callMany, counter, REPLY, WINDOW, withAgent, withEndpoint } from './agent.ts';
import { check, load, note, unload } from './harness.ts';
import type { BareCallOptions } from '../../../index.ts';

// Allocations that fail inside the kernel, at random: our request's buffer (the send says so) or
// the answer's (silence).

const CALLS = 10_000;
const FILES = '/sys/kernel/debug/cnrpc_skb_fault';

/** Makes the calls while every tenth buffer cannot be had; gives the numbers of executions. */
async function callShortOfMemory(options: BareCallOptions): Promise<bigint[]> {
  load('cnrpc_skb_fault');
  const serials = await withEndpoint({}, async (endpoint) => {
    writeFileSync(`${FILES}/chance`, '100');
    writeFileSync(`${FILES}/process`, `${process.pid}`);
    const numbers = await callMany(endpoint, CALLS, 64, { ...options, reply: REPLY });
    writeFileSync(`${FILES}/process`, '0');
    const { sendNoMemory } = endpoint.stats();
    const failed = Number(readFileSync(`${FILES}/failed`, 'utf8'));
    const silent = counter('no_memory');
    note(`${failed} failed: ${sendNoMemory} sends refused, ${silent} answers not made`);
    assert.ok(silent > 0);
    assert.equal(sendNoMemory + silent, failed, 'every failure was seen, each on its side');
    return numbers;
  });
  unload('cnrpc_skb_fault');
  return serials;
}

await check('10,000 calls while every tenth buffer cannot be had: each executed once', () =>
  withAgent([`window=${WINDOW}`], async () => {
    const serials = await callShortOfMemory({ remembered: WINDOW });
    assert.equal(new Set(serials).size, CALLS);
    assert.equal(counter('executed'), CALLS);
    assert.ok(counter('answered_again') >= counter('no_memory'));
  }),
);

await check('10,000 idempotent ones of an agent that forgets: each answered', () =>
  withAgent(['memory=0'], async () => {
    const serials = await callShortOfMemory({ idempotent: true });
    assert.equal(serials.length, CALLS);
    assert.ok(counter('executed') > CALLS, 'without a memory some were executed again');
  }),
);
