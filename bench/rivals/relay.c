/*
 * A lossy link: takes datagrams of one client over UDP on loopback and gives them to one server, and
 * those of the server to the client that was heard last.
 *
 *   relay SERVER_PORT   writes "PORT", where the client is to send to; ends with its parent
 *
 * Reads lines "LOSS BURST DELAY_US RATE PLACES SEED" and makes the link so, both ways alike: a
 * share LOSS of the datagrams is lost, each by itself (BURST up to 1) or in runs of BURST on average
 * (Gilbert and Elliott); with RATE above 0 they wait in a queue of PLACES that serves RATE a second,
 * and are lost where it is full; then they take DELAY_US. To each line it writes what has passed
 * since the one before, both ways together: "OFFERED LOST OVERFLOWED MISSED", the last one lost to
 * the relay's own slowness, in the queues of its sockets.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 64, SLOT = 65536, UNDER_WAY_MAX = 8192, QUEUE = 16 << 20 };

typedef struct {
  uint64_t at;
  size_t length;
  unsigned char bytes[];
} Parcel;

/* One of the two ways. */
typedef struct {
  int from, to;
  struct sockaddr_in target;
  Parcel *ring[UNDER_WAY_MAX];
  unsigned first, count;
  uint64_t random, free_at, last_at;
  int losing;
  unsigned long offered, lost, overflowed;
} Way;

static struct {
  double loss, burst, delay_us, rate, places;
} link_now = {.burst = 1};

static Way ways[2];
static unsigned char in[BATCH][SLOT];
static struct mmsghdr reading[BATCH], writing[BATCH];
static struct iovec in_pieces[BATCH], out_pieces[BATCH];
static struct sockaddr_in from[BATCH];
static unsigned long missed_before;

static void fail(const char *what) {
  perror(what);
  exit(1);
}

static uint64_t now_ns(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1000000000ull + time.tv_nsec;
}

/* The next of a way's numbers in [0, 1): a counter through a mixing function (splitmix64). */
static double draw(Way *way) {
  uint64_t mixed = way->random += 0x9e3779b97f4a7c15ull;
  mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9ull;
  mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebull;
  return ((mixed ^ mixed >> 31) >> 11) * 0x1p-53;
}

static int open_socket(void) {
  int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) fail("socket");
  struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int queue = QUEUE;
  if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &queue, sizeof queue) < 0)
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &queue, sizeof queue);
  if (bind(fd, (struct sockaddr *)&own, sizeof own) < 0) fail("bind");
  return fd;
}

static int is_lost(Way *way) {
  if (link_now.loss <= 0) return 0;
  if (link_now.burst <= 1) return draw(way) < link_now.loss;
  double leave = 1 / link_now.burst;
  double enter = leave * link_now.loss / (1 - link_now.loss);
  way->losing = way->losing ? draw(way) >= leave : draw(way) < enter;
  return way->losing;
}

static void pass_on(Way *way, const unsigned char *bytes, size_t length, uint64_t now) {
  way->offered++;
  if (is_lost(way)) {
    way->lost++;
    return;
  }
  uint64_t at = now;
  if (link_now.rate > 0) {
    if (way->free_at > at) at = way->free_at;
    if ((at - now) * 1e-9 * link_now.rate >= link_now.places) {
      way->overflowed++;
      return;
    }
    at += 1e9 / link_now.rate;
    way->free_at = at;
  }
  at += link_now.delay_us * 1e3;
  if (at < way->last_at) at = way->last_at;
  way->last_at = at;
  Parcel *parcel = way->count < UNDER_WAY_MAX ? malloc(sizeof *parcel + length) : NULL;
  if (parcel == NULL) {
    way->overflowed++;
    return;
  }
  parcel->at = at;
  parcel->length = length;
  memcpy(parcel->bytes, bytes, length);
  way->ring[(way->first + way->count++) % UNDER_WAY_MAX] = parcel;
}

static void take(Way *way) {
  for (int i = 0; i < BATCH; i++) {
    in_pieces[i] = (struct iovec){in[i], SLOT};
    reading[i].msg_hdr = (struct msghdr){
      .msg_iov = &in_pieces[i], .msg_iovlen = 1, .msg_name = &from[i], .msg_namelen = sizeof from[i]};
  }
  int count = recvmmsg(way->from, reading, BATCH, MSG_DONTWAIT, NULL);
  uint64_t now = now_ns();
  for (int i = 0; i < count; i++) {
    if (way == &ways[0]) ways[1].target = from[i];
    pass_on(way, in[i], reading[i].msg_len, now);
  }
}

static void give(Way *way) {
  uint64_t now = now_ns();
  while (way->count > 0 && way->ring[way->first]->at <= now) {
    unsigned count = 0;
    Parcel *due[BATCH];
    while (count < BATCH && count < way->count) {
      Parcel *parcel = way->ring[(way->first + count) % UNDER_WAY_MAX];
      if (parcel->at > now) break;
      due[count] = parcel;
      out_pieces[count] = (struct iovec){parcel->bytes, parcel->length};
      writing[count].msg_hdr = (struct msghdr){
        .msg_iov = &out_pieces[count], .msg_iovlen = 1,
        .msg_name = &way->target, .msg_namelen = sizeof way->target};
      count++;
    }
    for (unsigned sent = 0; sent < count;) {
      int more = sendmmsg(way->to, writing + sent, count - sent, 0);
      sent += more > 0 ? more : 1; /* what the kernel does not take is lost */
    }
    for (unsigned i = 0; i < count; i++) free(due[i]);
    way->first = (way->first + count) % UNDER_WAY_MAX;
    way->count -= count;
  }
}

static unsigned long missed(int fd) {
  uint32_t state[SK_MEMINFO_VARS] = {0};
  socklen_t length = sizeof state;
  getsockopt(fd, SOL_SOCKET, SO_MEMINFO, state, &length);
  return state[SK_MEMINFO_DROPS];
}

static void change(const char *line) {
  unsigned long seed, missed_now = missed(ways[0].from) + missed(ways[1].from);
  if (sscanf(line, "%lf %lf %lf %lf %lf %lu", &link_now.loss, &link_now.burst, &link_now.delay_us,
             &link_now.rate, &link_now.places, &seed) != 6) {
    fprintf(stderr, "cannot read the link: %s\n", line);
    exit(2);
  }
  printf("%lu %lu %lu %lu\n", ways[0].offered + ways[1].offered, ways[0].lost + ways[1].lost,
         ways[0].overflowed + ways[1].overflowed, missed_now - missed_before);
  fflush(stdout);
  missed_before = missed_now;
  for (int i = 0; i < 2; i++) {
    ways[i].offered = ways[i].lost = ways[i].overflowed = 0;
    ways[i].random = 2 * seed + i;
    ways[i].losing = 0;
  }
}

int main(int argc, char **argv) {
  if (argc != 2) return 2;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  prctl(PR_SET_TIMERSLACK, 1);
  int client = open_socket(), server = open_socket();
  ways[0].from = ways[1].to = client;
  ways[0].to = ways[1].from = server;
  ways[0].target = (struct sockaddr_in){
    .sin_family = AF_INET, .sin_port = htons(atoi(argv[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  struct sockaddr_in own;
  socklen_t length = sizeof own;
  getsockname(client, (struct sockaddr *)&own, &length);
  printf("%d\n", ntohs(own.sin_port));
  fflush(stdout);
  struct pollfd polled[3] = {{client, POLLIN, 0}, {server, POLLIN, 0}, {STDIN_FILENO, POLLIN, 0}};
  for (;;) {
    uint64_t now = now_ns(), next = UINT64_MAX;
    for (int i = 0; i < 2; i++)
      if (ways[i].count > 0 && ways[i].ring[ways[i].first]->at < next) next = ways[i].ring[ways[i].first]->at;
    uint64_t wait = next > now ? next - now : 0;
    struct timespec limit = {wait / 1000000000, wait % 1000000000};
    if (ppoll(polled, 3, next == UINT64_MAX ? NULL : &limit, NULL) < 0) continue;
    for (int i = 0; i < 2; i++)
      if (polled[i].revents) take(&ways[i]);
    for (int i = 0; i < 2; i++) give(&ways[i]);
    if (polled[2].revents) {
      char line[256];
      if (fgets(line, sizeof line, stdin) == NULL) return 0;
      change(line);
    }
  }
}
