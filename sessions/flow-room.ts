/** Holds values that came in pieces, and lets go of them when it is told to. */
export interface Holder {
  /** Gives up the call that they are for. */
  giveUp(): void;
}

/**
 * What all flows of an endpoint hold of values that nobody has taken, and the bound of that (P9.8).
 * A session may hold as much as it leaves free; but those who take all they can and give nothing
 * back halve the rest each. So who holds less than its equal part gets room from who holds most.
 */
export class FlowRoom {
  readonly #max: number;
  /** The sessions that hold anything. */
  readonly #shares = new Set<FlowShare>();
  #cost = 0;

  constructor(max: number) {
    this.#max = max;
  }

  /** What is held over all sessions: bytes, and 64 for each piece. */
  get cost(): number {
    return this.#cost;
  }

  /** What is left; below 0 while one piece is too much. */
  get free(): number {
    return this.#max - this.#cost;
  }

  /** What each session would have if all that hold anything, and the next to come, had the same. */
  get equalPart(): number {
    return this.#max / (this.#shares.size + 1);
  }

  /** Makes a session's share. */
  share(): FlowShare {
    return new FlowShare(this);
  }

  /** The one that holds most. */
  largest(): FlowShare | undefined {
    let largest: FlowShare | undefined;
    for (const share of this.#shares) {
      if (largest === undefined || share.cost > largest.cost) largest = share;
    }
    return largest;
  }

  /** A share holds so much more, or less. */
  note(share: FlowShare, change: number): void {
    this.#cost += change;
    if (share.cost > 0) this.#shares.add(share);
    else this.#shares.delete(share);
  }
}

/** What the flows of one session hold. */
export class FlowShare {
  readonly #room: FlowRoom;
  #cost = 0;
  /** Those who can be told to give it up, the one that has held something for longest first. */
  readonly #holders = new Set<Holder>();

  constructor(room: FlowRoom) {
    this.#room = room;
  }

  get cost(): number {
    return this.#cost;
  }

  /** One of its flows holds `change` more; `givesUp`: it holds something that it can give up. */
  hold(holder: Holder, change: number, givesUp: boolean): void {
    this.#cost += change;
    if (givesUp) this.#holders.add(holder);
    else this.#holders.delete(holder);
    this.#room.note(this, change);
  }

  /**
   * Tells whether it may hold what it does. If others had to give up something for that, they have
   * done so. The search among them is paid for by what they sent: each ends with less.
   */
  makeRoom(): boolean {
    const room = this.#room;
    while (!this.#fits()) {
      if (this.#cost > room.equalPart) return false;
      // It does not fit, so the others hold more than their equal parts: one of them does.
      const largest = room.largest();
      if (largest === undefined || !largest.#shed(this)) return false;
    }
    return true;
  }

  #fits(): boolean {
    return this.#cost <= this.#room.free;
  }

  /** Gives up what it has held longest, as far as another needs; false if there was nothing. */
  #shed(other: FlowShare): boolean {
    const before = this.#cost;
    for (const holder of this.#holders) {
      holder.giveUp();
      if (other.#fits() || this.#cost <= other.#cost) break;
    }
    return this.#cost < before;
  }
}
