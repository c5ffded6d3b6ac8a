import { local, native, OURS, rival } from './starters.ts';
import { raceScenario, sameLoad } from './races.ts';
import type { Scenario } from '../scenario.ts';

/** Echo calls, beside what people use instead. */
export const echo: Scenario = raceScenario({
  name: 'echo',
  seconds: 125,
  wording: { title: 'echo calls', unit: 'calls', first: OURS },
  starters: () => [
    local(OURS, 'library'),
    local('not reliable', 'netlink-frames'),
    native('C, one a datagram', 'netlink', 'call', 'serve'),
    local('unix frames', 'unix-frames'),
    local('MessagePort', 'message-port'),
    rival('ZeroMQ', 'zeromq'),
    rival('grpc-js', 'grpc'),
    rival('NATS', 'nats'),
  ],
  heats: (players, { sizes = [64, 1024], inFlight = [1, 64, 1024] }) =>
    sizes.flatMap((size) =>
      inFlight.map((count) =>
        sameLoad(players, `${size} B, ${count} in flight`, {
          task: 'echo', size, inFlight: count }))),
});
