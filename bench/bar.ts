import { clearBar, drawBar } from '../cli/progress.ts';
import type { Scenario, Screen } from './scenario.ts';

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
    if (this.#shown) drawBar((this.#before + seconds * share) / this.#total, name);
  }

  #clear(): void {
    if (this.#shown) clearBar();
  }
}
