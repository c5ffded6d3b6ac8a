import { agentFaults } from './agent-faults.ts';
import type { Fault } from './fault.ts';
import { flowFaults } from './flow-faults.ts';
import { eventFaults } from './event-faults.ts';
import { reliabilityFaults } from './reliability-faults.ts';
import { sessionFaults } from './session-faults.ts';
import { wireFaults } from './wire-faults.ts';

/** All faults: each is to be caught by some test. */
export const faults: readonly Fault[] = [
  ...reliabilityFaults,
  ...sessionFaults,
  ...flowFaults,
  ...eventFaults,
  ...wireFaults,
  ...agentFaults,
];
