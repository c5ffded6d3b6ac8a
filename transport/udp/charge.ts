import { TRUESIZE_MIN, truesize } from '../truesize.ts';

/** What goes before the payload in its data area: IP and UDP header, link header, alignment. */
const HEADROOM = 59;
/** The longest payload that is laid out in one area with its headers (SKB_MAX_ALLOC). */
const LINEAR_MAX = 16_004;

/**
 * What the kernel charges a receive queue for one UDP datagram, measured over loopback on 6.18 at
 * all lengths up to 17,000 bytes and at every seventh above (rx_queue in /proc/net/udp). A network
 * card lays datagrams out in its own way, mostly in 2 KiB areas.
 */
export function udpTruesize(length: number): number {
  return length > LINEAR_MAX ? length + TRUESIZE_MIN : truesize(length + HEADROOM, false);
}
