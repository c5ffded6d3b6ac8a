/** The numbers of the socket calls, by the names of the C headers, as on x86-64 and arm64. */
export const AF_UNSPEC = 0;
export const AF_NETLINK = 16;
export const SOCK_DGRAM = 2;
export const SOCK_RAW = 3; // means the same to netlink
export const MSG_OOB = 1;
export const MSG_PEEK = 2;
export const MSG_TRUNC = 0x20;
export const POLLIN = 1;
export const POLLOUT = 4;
export const POLLERR = 8;

/** Netlink families: one for processes among themselves, and the connector's. */
export const NETLINK_USERSOCK = 2;
export const NETLINK_CONNECTOR = 11;

/** Options of every socket. */
export const SOL_SOCKET = 1;
export const SO_ERROR = 4;
export const SO_SNDBUF = 7;
export const SO_RCVBUF = 8;
export const SO_PASSCRED = 16;
export const SO_RCVBUFFORCE = 33;
export const SO_MEMINFO = 55;

/** Options of netlink sockets. The 2005 text has 0 for DROP_MEMBERSHIP, no option (KF §5). */
export const SOL_NETLINK = 270;
export const NETLINK_ADD_MEMBERSHIP = 1;
export const NETLINK_DROP_MEMBERSHIP = 2;
export const NETLINK_PKTINFO = 3;
export const NETLINK_BROADCAST_ERROR = 4;
export const NETLINK_NO_ENOBUFS = 5;
export const NETLINK_LIST_MEMBERSHIPS = 9;
