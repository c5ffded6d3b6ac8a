import assert from 'node:assert/strict';
import { writeFileSync, readFileSync } from 'node:fs';
import { callMany, counter, REPLY, WINDOW, withAgent, withEndpoint } from './agent.ts';
import { check, load, note, unload } from './harness.ts';

// Allocations that fail inside the kernel, at random: our request's buffer (the send says so) or
// the answer's (silence).

const CALLS = 10_000;
const FILES = '/sys/kernel/debug/cnrpc_skb_fault';

await check('10,000 calls while every tenth buffer cannot be had: each executed once', async () => {
  load('cnrpc_skb_fault');
  await withAgent([`window=${WINDOW}`], async () => {
    await withEndpoint({}, async (endpoint) => {
      writeFileSync(`${FILES}/chance`, '100');
      writeFileSync(`${FILES}/process`, `${process.pid}`);
      const options = { remembered: WINDOW, reply: REPLY };
      const serials = await callMany(endpoint, CALLS, 64, options);
      writeFileSync(`${FILES}/process`, '0');
      const { sendNoMemory } = endpoint.stats();
      const failed = Number(readFileSync(`${FILES}/failed`, 'utf8'));
      const silent = counter('no_memory');
      note(`${failed} failed: ${sendNoMemory} sends refused, ${silent} answers not made`);
      assert.equal(new Set(serials).size, CALLS);
      assert.equal(counter('executed'), CALLS);
      assert.ok(silent > 0 && counter('answered_again') >= silent);
      assert.equal(sendNoMemory + silent, failed, 'every failure was seen, each on its side');
    });
  });
  unload('cnrpc_skb_fault');
});
