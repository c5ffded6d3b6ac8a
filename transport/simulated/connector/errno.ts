/**
 * Linux's error numbers (asm-generic/errno.h) as far as this kernel returns them, the same wherever
 * the simulation runs. As in the kernel, a call returns them negative.
 */
export const errnos = {
  EPERM: 1,
  ESRCH: 3,
  EBADF: 9,
  EAGAIN: 11,
  ENOMEM: 12,
  ENODEV: 19,
  EINVAL: 22,
  EMFILE: 24,
  ENODATA: 61,
  EMSGSIZE: 90,
  ENOPROTOOPT: 92,
  EPROTONOSUPPORT: 93,
  ESOCKTNOSUPPORT: 94,
  EOPNOTSUPP: 95,
  EADDRINUSE: 98,
  ENOBUFS: 105,
  ECONNREFUSED: 111,
} as const;
