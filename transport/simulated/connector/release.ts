/** What differs between kernels, each with where it is known from. */
export interface Release {
  /**
   * When an agent's callback runs: inside the sender's sendto, or later from the work queue
   * "cqueue" (KF §2.3).
   */
  readonly dispatch: 'synchronous' | 'work-queue';
  /**
   * The {-1,-1} notification: as the 2005 text means it, as it was shipped with its bug, or deleted
   * (KF §4).
   */
  readonly notification: 'documented' | 'shipped' | 'absent';
  /** CONNECTOR_MAX_MSG_SIZE, bytes. */
  readonly messageMax: number;
  /**
   * Whether `messageMax` bounds cn_msg and payload and cn_msg.len is checked; else it bounds
   * nlmsg_len, which needs no more than 20, and cn_msg.len is believed (KF §1.4).
   */
  readonly checksLength: boolean;
  /** nlmsg_len of what the kernel sends counts the padding (KF §1.1). */
  readonly padded: boolean;
  /** A receive queue may pass its limit by one datagram (KF §6.1). */
  readonly overshoots: boolean;
  /** Without privilege: join no group, or every odd one by a slip in cn_bind (KF §1.5). */
  readonly joins: 'privileged' | 'odd-groups';
  /** CAP_NET_ADMIN is wanted only for sending to groups, not to other portids (KF §1.5). */
  readonly freeUnicast: boolean;
  /**
   * cn_proc by the kernel that brought the change (KF §3, §7.2 - §7.4): `2.6.15` no rights,
   * listeners counted by the message; `4.2` EPERM for the unprivileged; `4.9` acknowledgements take
   * their seq from the per-CPU counter; `6.6` listeners counted by the socket, filters, no rights.
   */
  readonly proc: '2.6.15' | '4.2' | '4.9' | '6.6';
}

const modern: Release = {
  dispatch: 'synchronous',
  notification: 'absent',
  messageMax: 16_384,
  checksLength: true,
  padded: false,
  overshoots: false,
  joins: 'odd-groups',
  freeUnicast: false,
  proc: '6.6',
};

const old: Release = {
  ...modern,
  dispatch: 'work-queue',
  notification: 'shipped',
  checksLength: false,
  padded: true,
  overshoots: true,
  joins: 'privileged',
  freeUnicast: true,
  proc: '2.6.15',
};

/** Names a known kernel. `text` is what the 2005 text promises, on the kernel of its time. */
export type ReleaseName = 'text' | '2.6.18' | '2.6.24' | '4.2' | '6.1' | '6.18';

/** Kernels whose behaviour is known: 6.18 was measured, the others were read (KF, "Sources"). */
export const releases: Readonly<Record<ReleaseName, Release>> = {
  text: { ...old, notification: 'documented', messageMax: 1024 },
  '2.6.18': { ...old, messageMax: 1024 },
  '2.6.24': old,
  '4.2': { ...modern, overshoots: true, joins: 'privileged', proc: '4.2' },
  '6.1': { ...modern, joins: 'privileged', proc: '4.9' },
  '6.18': modern,
};
