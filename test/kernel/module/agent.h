/* SPDX-License-Identifier: GPL-2.0 */
#ifndef CNRPC_AGENT_H
#define CNRPC_AGENT_H

#include <linux/atomic.h>
#include <linux/connector.h>
#include <linux/types.h>

/* The group of multicast answers is the id's, as cn_add_callback() has it. */
#define AGENT_IDX	20
#define AGENT_VAL	1

/* Bytes of the longest reply: a serial number, then the request's own. */
#define REPLY_MAX	264

/* All below are files in debugfs: /sys/kernel/debug/cnrpc_agent/. */
struct agent_counters {
	atomic_t executed;
	atomic_t answered_again;	/* from the memory */
	atomic_t refused;		/* by the memory */
	atomic_t dropped;		/* requests and replies, on purpose */
	atomic_t duplicated;
	atomic_t delayed;
	atomic_t flooded;
	atomic_t not_delivered;		/* no room, or nobody there */
	atomic_t no_memory;		/* for a reply */
	atomic_t last_error;		/* of cn_netlink_send(), positive */
};

/* Chances are of 1000. */
struct agent_faults {
	u32 drop_request;	/* chance: forget a request before anything */
	u32 drop_reply;		/* chance: execute it and do not answer */
	u32 duplicate;		/* chance: answer twice */
	u32 delay_ms;		/* answer so much later */
	bool reorder;		/* late answers go in random order */
	bool hold;		/* late answers wait until this is false */
	u32 flood;		/* unasked messages before an answer */
	u32 flood_chance;	/* chance of them */
	bool multicast;		/* answer to the group */
	bool blocking;		/* answer with GFP_KERNEL: may wait for room */
	bool serial;		/* one mutex for requests and late answers */
};

extern struct agent_counters agent_counters;
extern struct agent_faults agent_faults;

/* Decides for a chance of 1000. */
bool agent_chance(u32 chance);

/* Sends a reply, or does with it what the faults say. May sleep. */
void post_reply(u32 portid, struct cn_msg *reply);

/* With @serial, holds back what post_reply() sends late. False: killed. */
bool post_lock(void);
void post_unlock(void);

/* Ends what is under way; no post_reply() may follow. */
void post_exit(void);

#endif
