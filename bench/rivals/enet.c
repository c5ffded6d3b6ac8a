/*
 * The echo call over ENet: reliable packets, each call in flight on a channel of its own, as calls
 * need no order between them.
 *
 *   enet serve PORT     echoes until its parent ends
 *   enet connect PORT   connects; reads lines "dial", and then connects anew, or "SIZE IN_FLIGHT
 *                       MILLISECONDS PATIENCE_MS", and then calls; writes a line to each: calls, how
 *                       long it took, calls given up, and the p50, p99 and p999, in ms
 */
#include <enet/enet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

enum { CHANNELS = ENET_PROTOCOL_MAXIMUM_CHANNEL_COUNT, CALLS_MAX = 4096, SAMPLES_MAX = 1 << 21, DIAL_MS = 5000 };

static ENetHost *host;
static ENetPeer *peer;
static double began[CALLS_MAX], samples[SAMPLES_MAX];
static unsigned char payload[ENET_HOST_DEFAULT_MTU * 4];

static void fail(const char *what) {
  fprintf(stderr, "error: %s\n", what);
  exit(1);
}

static double now_ms(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1e3 + time.tv_nsec / 1e6;
}

static ENetHost *open_host(int port, int peers) {
  ENetAddress own = {.port = port};
  enet_address_set_host_ip(&own, "127.0.0.1");
  ENetHost *opened = enet_host_create(&own, peers, CHANNELS, 0, 0);
  if (opened == NULL) fail("cannot bind");
  return opened;
}

/* Gives the next event; what was queued to be sent goes before anybody waits. */
static int next_event(ENetEvent *event, int wait_ms) {
  int found = enet_host_check_events(host, event);
  return found != 0 ? found : enet_host_service(host, event, wait_ms);
}

static void serve(void) {
  for (ENetEvent event;;) {
    if (next_event(&event, 1000) <= 0 || event.type != ENET_EVENT_TYPE_RECEIVE) continue;
    ENetPacket *reply =
      enet_packet_create(event.packet->data, event.packet->dataLength, ENET_PACKET_FLAG_RELIABLE);
    if (enet_peer_send(event.peer, event.channelID, reply) < 0) enet_packet_destroy(reply);
    enet_packet_destroy(event.packet);
  }
}

static void dial(int port) {
  if (peer != NULL) enet_peer_disconnect_now(peer, 0);
  ENetAddress server = {.port = port};
  enet_address_set_host_ip(&server, "127.0.0.1");
  peer = enet_host_connect(host, &server, CHANNELS, 0);
  if (peer == NULL) fail("no room for a connection");
  ENetEvent event;
  for (double end = now_ms() + DIAL_MS; now_ms() < end;) {
    if (enet_host_service(host, &event, 10) <= 0) continue;
    if (event.type == ENET_EVENT_TYPE_RECEIVE) enet_packet_destroy(event.packet); /* of the last */
    if (event.peer != peer) continue;
    /* An answer to the connection before, sent again because nobody acknowledged it, ends this one. */
    if (event.type == ENET_EVENT_TYPE_DISCONNECT) peer = enet_host_connect(host, &server, CHANNELS, 0);
    if (event.type != ENET_EVENT_TYPE_CONNECT) continue;
    enet_host_flush(host); /* the server waits for an acknowledgement, too */
    return;
  }
  fail("cannot connect");
}

static void send_call(unsigned number, size_t size, double now) {
  memcpy(payload, &number, sizeof number);
  began[number] = now;
  ENetPacket *packet = enet_packet_create(payload, size, ENET_PACKET_FLAG_RELIABLE);
  if (enet_peer_send(peer, number % CHANNELS, packet) < 0) enet_packet_destroy(packet);
}

static int ascending(const void *left, const void *right) {
  double difference = *(const double *)left - *(const double *)right;
  return (difference > 0) - (difference < 0);
}

static void call(size_t size, unsigned in_flight, double ms, double patience_ms) {
  if (size > sizeof payload || size < sizeof(unsigned) || in_flight > CALLS_MAX) fail("load too big");
  double start = now_ms(), now = start;
  long calls = 0, count = 0;
  unsigned open = in_flight;
  for (unsigned i = 0; i < in_flight; i++) send_call(i, size, start);
  while (open > 0 && now < start + ms + patience_ms) {
    ENetEvent event;
    int found = next_event(&event, 1);
    now = now_ms();
    if (found <= 0) continue;
    if (event.type == ENET_EVENT_TYPE_DISCONNECT && event.peer == peer) {
      now = start + ms + patience_ms; /* it has given up, and nothing more will come */
      break;
    }
    if (event.type != ENET_EVENT_TYPE_RECEIVE) continue;
    unsigned number;
    memcpy(&number, event.packet->data, sizeof number);
    enet_packet_destroy(event.packet);
    if (event.peer != peer || number >= in_flight || began[number] == 0) continue;
    calls++;
    if (count < SAMPLES_MAX) samples[count++] = now - began[number];
    began[number] = 0;
    if (now < start + ms) send_call(number, size, now);
    else open--;
  }
  double took = now - start;
  for (unsigned i = 0; i < in_flight; i++) {
    if (began[i] > 0 && count < SAMPLES_MAX) samples[count++] = now - began[i];
    began[i] = 0;
  }
  qsort(samples, count, sizeof *samples, ascending);
  printf("%ld %.3f %u %.4f %.4f %.4f\n", calls, took, open,
         samples[count / 2], samples[(long)(count * 0.99)], samples[(long)(count * 0.999)]);
  fflush(stdout);
}

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (enet_initialize() != 0) fail("enet_initialize");
  int serving = strcmp(argv[1], "serve") == 0, port = atoi(argv[2]);
  host = open_host(serving ? port : 0, serving ? 64 : 4);
  if (!serving) dial(port);
  puts("ready");
  fflush(stdout);
  if (serving) serve();
  char line[256];
  while (fgets(line, sizeof line, stdin) != NULL) {
    unsigned size, in_flight;
    double ms, patience_ms;
    if (sscanf(line, "%u %u %lf %lf", &size, &in_flight, &ms, &patience_ms) == 4) {
      call(size, in_flight, ms, patience_ms);
      continue;
    }
    dial(port);
    puts("ready");
    fflush(stdout);
  }
  return 0;
}
