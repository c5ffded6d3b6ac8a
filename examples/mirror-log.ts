/** Keeps the logs of dm mirrors in a folder: the kernel asks, this process answers. Needs root. */
import { createEndpoint } from 'connector-rpc';
import { DM_LOG_GROUP, openLogDirectory, serveMirrorLogs } from 'connector-rpc/agents/dm-log';
import { openNetlink } from 'connector-rpc/transport/netlink';

// dmsetup create both --table '0 SECTORS mirror userspace 3 UUID file 1024 2 /dev/A 0 /dev/B 0'
const folder = process.argv[2] ?? '/var/lib/mirror-logs';
const portid = 0x646d6c67; // taken while this runs, so that no second one does
const transport = openNetlink({ protocol: 'connector', portid, groups: [DM_LOG_GROUP] });
const store = await openLogDirectory(folder);
const endpoint = createEndpoint({ transport });
const server = serveMirrorLogs(endpoint, store);
console.log(`mirror logs in ${folder}`);

process.once('SIGTERM', () => {
  void server.close().then(async () => {
    console.log(server.stats());
    await endpoint.close();
  });
});
