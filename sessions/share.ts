import type { Resources } from './resources.ts';

/**
 * What one session holds of the requests that its endpoint has room for. It may hold as much as it
 * leaves free: so those that hold all they can get leave room for one that holds nothing (the
 * dynamic thresholds of shared switch buffers).
 */
export class Share {
  readonly #resources: Resources;
  #requests = 0;
  #bytes = 0;

  constructor(resources: Resources) {
    this.#resources = resources;
  }

  /** Tells whether there is room for one more request of `length` bytes. */
  admits(length: number): boolean {
    const { limits, requestsHeld, requestBytesHeld } = this.#resources;
    return (
      this.#requests < limits.requestsMax - requestsHeld &&
      this.#bytes + length <= limits.requestBytesMax - requestBytesHeld
    );
  }

  /** A request is held, with so many bytes of payload. */
  take(bytes: number): void {
    this.#requests += 1;
    this.#resources.requestsHeld += 1;
    this.addBytes(bytes);
  }

  /** A request is not held any more, nor are the bytes of payload that it still had. */
  leave(bytes: number): void {
    this.#requests -= 1;
    this.#resources.requestsHeld -= 1;
    this.addBytes(-bytes);
  }

  /** Payload of a request that is held comes or, below 0, goes. */
  addBytes(change: number): void {
    this.#bytes += change;
    this.#resources.requestBytesHeld += change;
  }
}
