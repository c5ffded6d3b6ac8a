import * as abi from '../../transport/simulated/connector/abi.ts';
import type { Subject } from './operation.ts';
import { playStory, type Setting } from './story.ts';

// A process of its own, because it is to run in namespaces and with rights that a test has not.
// Arguments: usersock or connector; own or first (network namespace); rights: admin, or none;
// first or own (user namespace); the seed of the first story; stories; steps of each.

const STEP_GROUPS = [2, 3, 5, 8, 31, 32];

const [, , protocol, net, rights, user, first, stories, steps] = process.argv;
const subject: Subject = {
  protocol: protocol === 'connector' ? abi.NETLINK_CONNECTOR : abi.NETLINK_USERSOCK,
  // Group 1 of the one connector there is gets this machine's process events while anybody listens.
  groups: protocol === 'connector' && net === 'first' ? STEP_GROUPS : [1, ...STEP_GROUPS],
  allGroups: protocol !== 'connector' || net !== 'first',
};
const setting: Setting = {
  subject,
  netAdmin: rights === 'admin',
  initNamespaces: user === 'first',
  netns: net === 'first' ? 0 : 1,
};
let operations = 0;
for (let story = 0; story < Number(stories); story++) {
  const played = playStory(setting, Number(first) + story, Number(steps));
  operations += played.operations;
  if (played.difference !== undefined) {
    console.log(JSON.stringify({ operations, difference: played.difference }));
    process.exit(1);
  }
}
console.log(JSON.stringify({ operations }));
