/** The rule of the 2005 text alone, to the kernel's own agent: cn_proc answers with ack + 1. */
import { createEndpoint, matchRules } from 'connector-rpc';
import { openNetlink } from 'connector-rpc/transport/netlink';

const cnProc = { idx: 1, val: 1 };
const kernel = 0;
const operation = (number: number): Uint8Array => new Uint8Array(new Uint32Array([number]).buffer);
const [LISTEN, IGNORE] = [operation(1), operation(2)];

const endpoint = createEndpoint({ transport: openNetlink({ protocol: 'connector', groups: [1] }) });
const options = { rule: matchRules.proc, idempotent: true, timeoutMs: 1_000 };
try {
  const reply = await endpoint.request(cnProc, kernel, LISTEN, options);
  console.log(`the kernel answered: seq ${reply.seq}, ack ${reply.ack}`);
} finally {
  // cn_proc counts its listeners machine-wide: each LISTEN wants its IGNORE, which is not answered.
  await endpoint.request(cnProc, kernel, IGNORE, { timeoutMs: 0 }).catch(() => {});
  await endpoint.close();
}
