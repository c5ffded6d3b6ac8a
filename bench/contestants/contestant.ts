/** Where the two sides of a contestant meet; each takes what it has use for. */
export interface Place {
  /** A Unix socket's path. */
  readonly path: string;
  /** A TCP or UDP port of this machine. */
  readonly port: number;
  /** Where a UDP client finds it: the same port, or a relay's. */
  readonly through: number;
  /** A netlink portid. */
  readonly portid: number;
  /** The longest datagram, where a contestant has one to be chosen; undefined: its usual. */
  readonly datagramMax: number | undefined;
  /** The build of connector-rpc to be measured: the URL of its folder, with a slash at its end. */
  readonly build: string;
}

/** Does one thing with a payload; resolves when it is done. */
export type Deed = (payload: Uint8Array) => Promise<unknown>;

/** What both sides sent, counted from their start. */
export interface Sent {
  /** Requests and replies, each transmission counted. */
  readonly transmissions: number;
  readonly datagrams: number;
  /** Datagrams lost at a full receive queue. */
  readonly drops: number;
}

/** The sizes of tables, by name. */
export type Tables = Readonly<Record<string, number>>;

/** The side that asks. A contestant has what its scenarios need. */
export interface Client {
  /** Makes one call; resolves with the echo. */
  readonly echo?: Deed;
  /** Sends one message that nobody replies to; resolves when more may follow. */
  readonly oneWay?: Deed;
  /** One of a mixture of everything, in turn. */
  readonly mixed?: Deed;
  /** Gives what the peer sends until its taker stops, in values of `size` where it has values. */
  readonly down?: (size: number) => AsyncIterable<Uint8Array>;
  /** Sends the values; resolves when the peer has had them all. */
  readonly up?: (values: AsyncIterable<Uint8Array>) => Promise<unknown>;
  /** Brings the number of what is held (sessions, calls) up to a count. */
  readonly fill?: (count: number) => Promise<void>;
  /** Runs before and after each measurement, outside of its time. */
  readonly begin?: () => Promise<void>;
  readonly end?: () => Promise<void>;
  readonly tables?: () => Tables;
  /** Where it is known. */
  readonly sent?: () => Promise<Sent>;
}

/** The side that is asked. */
export interface Server {
  readonly tables?: () => Tables;
}

/** A way to do things between two processes: a module of these functions. */
export interface Contestant {
  /** Imports what the others need: for those that are timed at their start. */
  readonly load?: (place: Place) => Promise<unknown>;
  readonly serve: (place: Place) => Promise<Server | void>;
  /** Where a scenario dials more than once, it lets go of the connection before. */
  readonly connect: (place: Place) => Promise<Client>;
}
