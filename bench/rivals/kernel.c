/*
 * Calls to the kernel's own agent, cn_proc: LISTEN operations, each answered, over NETLINK_CONNECTOR
 * with epoll. An answer is known by ack + 1; its seq is a counter of the kernel's own.
 *
 *   kernel call PORTID   reads lines "SIZE IN_FLIGHT MILLISECONDS", writes "CALLS MILLISECONDS";
 *                        SIZE and PORTID are not used
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/netlink.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 64, SLOT = 256, QUEUE = 2 << 20, MARK = 0x62650000 };

struct operation {
  struct nlmsghdr nl;
  struct cn_msg cn;
  uint32_t operation;
} __attribute__((packed));

static struct operation out[BATCH];
static unsigned char in[BATCH][SLOT];
static struct mmsghdr reading[BATCH], writing[BATCH];
static struct iovec in_pieces[BATCH], out_pieces[BATCH];
static struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static void prepare(void) {
  for (int i = 0; i < BATCH; i++) {
    out[i].nl = (struct nlmsghdr){.nlmsg_len = sizeof out[i], .nlmsg_type = NLMSG_DONE};
    out[i].cn.id = (struct cb_id){CN_IDX_PROC, CN_VAL_PROC};
    out[i].cn.len = sizeof out[i].operation;
    in_pieces[i] = (struct iovec){in[i], SLOT};
    out_pieces[i] = (struct iovec){&out[i], sizeof out[i]};
    reading[i].msg_hdr = (struct msghdr){.msg_iov = &in_pieces[i], .msg_iovlen = 1};
    writing[i].msg_hdr = (struct msghdr){
        .msg_iov = &out_pieces[i], .msg_iovlen = 1, .msg_name = &kernel, .msg_namelen = sizeof kernel};
  }
}

static int open_socket(void) {
  int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_CONNECTOR);
  if (fd < 0) fail("socket");
  struct sockaddr_nl own = {.nl_family = AF_NETLINK, .nl_groups = 1u << (CN_IDX_PROC - 1)};
  int queue = QUEUE;
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &queue, sizeof queue);
  if (bind(fd, (struct sockaddr *)&own, sizeof own) < 0) fail("bind");
  return fd;
}

/* Sends as many operations as that, at most a batch; gives how many. */
static int ask(int fd, int count, uint32_t operation) {
  static uint32_t next;
  if (count > BATCH) count = BATCH;
  for (int i = 0; i < count; i++) {
    out[i].cn.ack = MARK + (2 * next++ & 0xffff);
    out[i].operation = operation;
  }
  int sent = sendmmsg(fd, writing, count, 0);
  if (sent < 0) fail("sendmmsg");
  return sent;
}

/* Takes what is there; gives how many answers. Events of other processes are skipped. */
static int take(int fd) {
  int answers = 0;
  int count = recvmmsg(fd, reading, BATCH, 0, NULL);
  if (count < 0 && errno != EAGAIN && errno != EINTR) fail("recvmmsg");
  for (int i = 0; i < count; i++) {
    struct cn_msg *cn = NLMSG_DATA((struct nlmsghdr *)in[i]);
    struct proc_event *event = (struct proc_event *)cn->data;
    if (event->what != PROC_EVENT_NONE || (cn->ack & 0xffff0001) != (MARK | 1)) continue;
    if (event->event_data.ack.err != 0) {
      errno = event->event_data.ack.err;
      fail("cn_proc");
    }
    answers++;
  }
  return answers;
}

static double now_ms(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1e3 + time.tv_nsec / 1e6;
}

/* Answers go to all that listen: the socket lives for one measurement. */
static void call(int in_flight, double ms) {
  int fd = open_socket(), poll = epoll_create1(EPOLL_CLOEXEC);
  struct epoll_event ready = {.events = EPOLLIN};
  if (poll < 0 || epoll_ctl(poll, EPOLL_CTL_ADD, fd, &ready) < 0) fail("epoll");
  double began = now_ms(), end = began + ms, now = began;
  long calls = 0;
  int due = in_flight, open = 0;
  while (now < end || open > 0) {
    if (now >= end) due = 0;
    while (due > 0) {
      int sent = ask(fd, due, PROC_CN_MCAST_LISTEN);
      due -= sent;
      open += sent;
    }
    if (epoll_wait(poll, &ready, 1, 1000) == 0) {
      fputs("error: cn_proc does not answer\n", stderr);
      exit(1);
    }
    int answers = take(fd);
    calls += answers;
    due += answers;
    open -= answers;
    now = now_ms();
  }
  printf("%ld %.3f\n", calls, now - began);
  fflush(stdout);
  ask(fd, 1, PROC_CN_MCAST_IGNORE); /* or the kernel goes on making events for nobody */
  close(poll);
  close(fd);
}

int main(int argc, char **argv) {
  if (argc != 3 || strcmp(argv[1], "call") != 0) return 2;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  prepare();
  puts("ready");
  fflush(stdout);
  int size, in_flight;
  double ms;
  while (scanf("%d %d %lf", &size, &in_flight, &ms) == 3) call(in_flight, ms);
  return 0;
}
