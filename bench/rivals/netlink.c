/*
 * Echo calls and one-way messages as the kernel itself carries them: one message a datagram over
 * NETLINK_USERSOCK, no reliability, no promise, system calls in batches.
 *
 *   netlink serve PORTID   echoes until its parent ends
 *   netlink call PORTID    reads lines "SIZE IN_FLIGHT MILLISECONDS", writes "CALLS MILLISECONDS"
 *   netlink sink PORTID    takes what comes until its parent ends
 *   netlink post PORTID    as call, with messages; the peer's queue alone limits them
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/netlink.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 64, SLOT = 8192, HEADERS = 36, QUEUE = 2 << 20 };

static unsigned char in[BATCH][SLOT], out[SLOT];
static struct mmsghdr reading[BATCH], writing[BATCH];
static struct iovec in_pieces[BATCH], out_pieces[BATCH];
static struct sockaddr_nl from[BATCH], to;

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static int open_socket(uint32_t portid) {
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_USERSOCK);
  if (fd < 0) fail("socket");
  struct sockaddr_nl own = {.nl_family = AF_NETLINK, .nl_pid = portid};
  int queue = QUEUE, on = 1;
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &queue, sizeof queue);
  setsockopt(fd, SOL_NETLINK, NETLINK_NO_ENOBUFS, &on, sizeof on);
  if (bind(fd, (struct sockaddr *)&own, sizeof own) < 0) fail("bind");
  for (int i = 0; i < BATCH; i++) {
    in_pieces[i] = (struct iovec){in[i], SLOT};
    reading[i].msg_hdr = (struct msghdr){.msg_iov = &in_pieces[i], .msg_iovlen = 1, .msg_name = &from[i]};
    writing[i].msg_hdr = (struct msghdr){.msg_iov = &out_pieces[i], .msg_iovlen = 1};
  }
  return fd;
}

/* Takes what waits, at least one unless `flags` say not to wait. */
static int take(int fd, int flags) {
  for (;;) {
    for (int i = 0; i < BATCH; i++) reading[i].msg_hdr.msg_namelen = sizeof from[i];
    int count = recvmmsg(fd, reading, BATCH, flags | MSG_WAITFORONE, NULL);
    if (count >= 0) return count;
    if (errno == EAGAIN) return 0;
    if (errno != EINTR) fail("recvmmsg");
  }
}

/* Gives writing[first, count); returns how many the other side's queue took. */
static int give(int fd, int first, int count) {
  int sent = sendmmsg(fd, writing + first, count - first, MSG_DONTWAIT);
  if (sent < 0 && errno != EAGAIN && errno != EINTR) fail("sendmmsg");
  return sent < 0 ? 0 : sent;
}

static void serve(int fd) {
  for (;;) {
    int count = take(fd, 0);
    for (int i = 0; i < count; i++) {
      out_pieces[i] = (struct iovec){in[i], reading[i].msg_len};
      writing[i].msg_hdr.msg_name = &from[i];
      writing[i].msg_hdr.msg_namelen = sizeof from[i];
    }
    for (int sent = 0; sent < count;) {
      int more = give(fd, sent, count);
      if (more == 0) sched_yield();
      sent += more;
    }
  }
}

static double now_ms(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1e3 + time.tv_nsec / 1e6;
}

/* Makes a batch of equal messages for the server. */
static void prepare(int size) {
  if (size < 0 || size > SLOT - HEADERS) {
    fprintf(stderr, "error: no more than %d bytes in one message here\n", SLOT - HEADERS);
    exit(1);
  }
  for (int i = 0; i < BATCH; i++) {
    out_pieces[i] = (struct iovec){out, HEADERS + size};
    writing[i].msg_hdr.msg_name = &to;
    writing[i].msg_hdr.msg_namelen = sizeof to;
  }
}

static void report(long done, double ms) {
  printf("%ld %.3f\n", done, ms);
  fflush(stdout);
}

static void call(int fd, int size, int in_flight, double ms) {
  prepare(size);
  double began = now_ms(), end = began + ms, now = began;
  long calls = 0;
  int due = in_flight, open = 0;
  while (now < end || open > 0) {
    if (now >= end) due = 0;
    while (due > 0) {
      int sent = give(fd, 0, due < BATCH ? due : BATCH);
      if (sent == 0) break;
      due -= sent;
      open += sent;
    }
    int count = take(fd, due > 0 ? MSG_DONTWAIT : 0);
    if (count == 0) sched_yield();
    calls += count;
    due += count;
    open -= count;
    now = now_ms();
  }
  report(calls, now - began);
}

static void sink(int fd) {
  for (;;) take(fd, 0);
}

/* Blocks while the peer's queue is full. */
static void post(int fd, int size, int in_flight, double ms) {
  prepare(size);
  double began = now_ms(), now = began;
  long messages = 0;
  for (; now < began + ms; now = now_ms()) {
    int sent = sendmmsg(fd, writing, in_flight < BATCH ? in_flight : BATCH, 0);
    if (sent < 0 && errno != EINTR) fail("sendmmsg");
    if (sent > 0) messages += sent;
  }
  report(messages, now - began);
}

static void ready(void) {
  puts("ready");
  fflush(stdout);
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const char *role = argv[1];
  uint32_t portid = strtoul(argv[2], NULL, 10);
  int serves = strcmp(role, "serve") == 0, sinks = strcmp(role, "sink") == 0;
  int fd = open_socket(serves || sinks ? portid : 0);
  ready();
  if (serves) serve(fd);
  if (sinks) sink(fd);
  to = (struct sockaddr_nl){.nl_family = AF_NETLINK, .nl_pid = portid};
  int size, in_flight;
  double ms;
  while (scanf("%d %d %lf", &size, &in_flight, &ms) == 3) {
    if (strcmp(role, "post") == 0) post(fd, size, in_flight, ms);
    else call(fd, size, in_flight, ms);
  }
  return 0;
}
