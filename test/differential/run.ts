import * as abi from '../../transport/simulated/connector/abi.ts';
import { named, openKernelSocket } from './kernel-socket.ts';
import { playProcStory } from './proc-story.ts';
import { playStory, type Setting } from './story.ts';

// A process of its own, because it is to run in namespaces and with rights that a test has not.
// Arguments: usersock, connector or proc; its network namespace, first or own; admin or none, its
// rights there; its user namespace, first or own; the seed of the first story; stories; steps each.

const GROUPS = [2, 3, 5, 8, 31, 32];

const [, , protocol, net, rights, user, first, stories, steps] = process.argv;
// Into group 1 of the one connector that there is come the process events of this whole machine
// while anybody listens; its acknowledgements are compared by `proc`.
const shared = protocol !== 'usersock' && net === 'first';
const setting: Setting = {
  subject: {
    protocol: protocol === 'usersock' ? abi.NETLINK_USERSOCK : abi.NETLINK_CONNECTOR,
    groups: shared ? GROUPS : [1, ...GROUPS],
    allGroups: !shared,
  },
  netAdmin: rights === 'admin',
  initNamespaces: user === 'first',
  netns: net === 'first' ? 0 : 1,
};

/** Bound while groups that others can reach are compared: two such runs would hear each other. */
const ALONE = 0x5eed_5eed;
const alone = openKernelSocket(abi.SOCK_RAW, setting.subject.protocol);
if (typeof alone === 'number') {
  console.error(`unavailable: socket() gives ${named(alone)}`);
  process.exit(1);
}
if (shared && alone.bind({ nl_pid: ALONE, nl_groups: 0 }) < 0) {
  console.error('unavailable: the same comparison runs at the same time');
  process.exit(1);
}

let [operations, muted] = [0, 0];
let difference: object | undefined;
for (let story = 0; story < Number(stories) && difference === undefined; story++) {
  const seed = (Number(first) + story) >>> 0;
  if (protocol === 'proc') {
    const played = playProcStory(seed, Number(steps));
    operations += played.compared;
    muted += played.muted;
    ({ difference } = played);
  } else {
    const played = playStory(setting, seed, Number(steps));
    operations += played.operations;
    ({ difference } = played);
  }
}
alone.close();
console.log(JSON.stringify({ operations, muted, difference }));
