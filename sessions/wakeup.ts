import type { Clock, Timer } from '../core/clock.ts';
import type { Transport } from '../transport/transport.ts';

/**
 * When the driver is to be woken. A timer does that where nobody else would; while the transport
 * looks for datagrams again and again, the clock is looked at as often instead: what waits for half
 * a millisecond takes a processor from those who look. A part of the driver.
 */
export class Wakeup {
  readonly #clock: Clock;
  readonly #transport: Pick<Transport, 'looking'>;
  readonly #wake: () => void;
  readonly #timer: Timer;
  #at = Infinity;
  /** What the timer is armed for. */
  #armedAt = Infinity;

  constructor(clock: Clock, transport: Pick<Transport, 'looking'>, wake: () => void) {
    this.#clock = clock;
    this.#transport = transport;
    this.#wake = wake;
    this.#timer = clock.timer(this.#ring);
  }

  /** Sets the time, instead of the one before; Infinity: never. */
  set(at: number): void {
    this.#at = at;
    if (this.#transport.looking !== true) this.#arm();
  }

  /** The transport has looked for datagrams in vain. */
  handleLook(): void {
    if (this.#at <= this.#clock.now()) this.#fire();
    else if (this.#transport.looking !== true) this.#arm();
  }

  /** Nobody is woken any more. */
  disarm(): void {
    this.#at = Infinity;
    this.#timer.disarm();
  }

  #arm(): void {
    if (this.#at === this.#armedAt) return;
    this.#armedAt = this.#at;
    this.#timer.arm(this.#at);
  }

  readonly #ring = (): void => {
    this.#armedAt = Infinity;
    this.handleLook(); // the time may have been put off while nobody asked the timer
  };

  #fire(): void {
    this.#at = Infinity;
    this.#wake();
  }
}
