import type { Scenario, Screen } from './scenario.ts';

const WIDTH = 30;

/** A bar on stderr over all scenarios of a run; none where stderr is no terminal. */
export class Bar {
  readonly #total: number;
  readonly #shown = process.stderr.isTTY;
  #before = 0;

  constructor(scenarios: readonly Scenario[]) {
    this.#total = scenarios.reduce((sum, { seconds }) => sum + seconds, 0);
  }

  /** Gives a scenario its screen. */
  screen(scenario: Scenario): Screen {
    return {
      progress: (share) => this.#show(scenario, share),
      print: (text) => {
        this.#clear();
        console.log(text);
      },
    };
  }

  /** Counts a scenario as done. */
  finish({ seconds }: Scenario): void {
    this.#before += seconds;
    this.#clear();
  }

  #show({ name, seconds }: Scenario, share: number): void {
    if (!this.#shown) return;
    const part = (this.#before + seconds * share) / this.#total;
    const filled = Math.floor(part * WIDTH);
    const bar = '#'.repeat(filled) + '.'.repeat(WIDTH - filled);
    const percent = String(Math.floor(part * 100)).padStart(3);
    process.stderr.write(`\r[${bar}] ${percent} %  ${name}\x1b[K`);
  }

  #clear(): void {
    if (this.#shown) process.stderr.write('\r\x1b[K');
  }
}
