import { createEndpoint } from 'connector-rpc';
import { openNetlink, portidOf } from 'connector-rpc/transport/netlink';

const id = { idx: 20, val: 1 }; // a connector id, as in struct cb_id

const server = createEndpoint({ transport: openNetlink({ portid: portidOf(id) }) });
server.serve(id, { add: (input) => (input as number[]).reduce((sum, term) => sum + term, 0) });

const client = createEndpoint({ transport: openNetlink() });
const connection = await client.connect(id);
console.log(await connection.call('add', [1, 2, 3], { timeoutMs: 1_000 })); // 6

await client.close();
await server.close();
