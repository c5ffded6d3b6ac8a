/** Why a datagram of an open session is dropped whole. */
export type DataRefusal =
  | 'duplicate-datagram'
  | 'stale-datagram'
  | 'bad-number' // number and floor contradict each other
  | 'ack-of-unsent'; // acknowledges what was never sent: damaged or forged
