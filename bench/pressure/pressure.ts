import { drawReal, drawVirtual } from './picture.ts';
import { inFlights, questions, grounds } from './questions.ts';
import { answerReal, realSteps, type RealRow } from './real.ts';
import { answer, type VirtualRow } from './virtual.ts';
import { afterwards, machineFacts, type MachineFacts } from '../macro/machine.ts';

/** How often and how long the real netlink is measured. */
export interface PressurePlan {
  readonly inFlight: readonly number[];
  readonly rounds: number;
  readonly ms: number;
}

/** All that one run found. */
export interface PressureResult {
  readonly machine: MachineFacts;
  readonly rounds: number;
  readonly ms: number;
  /** In virtual time. */
  readonly virtual: readonly VirtualRow[];
  /** In real time; empty where `absent` says why. */
  readonly real: readonly RealRow[];
  readonly absent: readonly string[];
}

/** Calls of a cell in virtual time: the rarest latency told of is one in a thousand. */
const CALLS: Readonly<Record<number, number>> = { 1: 5_000, 64: 19_200, 1024: 30_720 };

/** Asks how calls fare as memory, room and luck run out: first simulated, then on the kernel. */
export async function pressure(
  plan: PressurePlan,
  progress: (share: number) => void,
): Promise<PressureResult> {
  const before = machineFacts();
  const cells = questions.reduce((sum, { steps }) => sum + steps.length, 0);
  const total = cells * grounds.length * inFlights.length + realSteps(plan);
  let done = 0;
  const answered = (): void => progress(++done / total);
  const virtual: VirtualRow[] = [];
  for (const question of questions) {
    virtual.push(...await answer(question, (inFlight) => CALLS[inFlight]!, answered));
  }
  const absent: string[] = [];
  const real = await answerReal(plan, answered).catch(({ message }: Error) => {
    absent.push(`the real netlink: ${message}`);
    return [];
  });
  const machine = afterwards(before);
  return { machine, rounds: plan.rounds, ms: plan.ms, virtual, real, absent };
}

/** Draws a picture for each question, by the name of its file. */
export function pressurePictures({ virtual, real }: PressureResult): Map<string, string> {
  const pictures = new Map(questions.map((question) =>
    [`pressure-${question.name}.svg`, drawVirtual(question, virtual)]));
  if (real.length > 0) pictures.set('pressure-netlink.svg', drawReal(real));
  return pictures;
}
