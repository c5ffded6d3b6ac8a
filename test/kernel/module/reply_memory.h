/* SPDX-License-Identifier: GPL-2.0 */
#ifndef REPLY_MEMORY_H
#define REPLY_MEMORY_H

#include <linux/connector.h>

/*
 * Exactly-once for a connector agent: remembers what was answered to whom, so
 * that a request which is repeated because its reply was lost is answered
 * again and not executed again. Copy reply_memory.[ch] into your driver.
 *
 *	switch (reply_memory_begin(memory, nsp->portid, msg, reply)) {
 *	case REQUEST_NEW:
 *		execute(msg, reply);
 *		reply_memory_finish(memory, nsp->portid, msg, reply);
 *		break;
 *	case REQUEST_ANSWERED:	(what was answered then is in *reply)
 *		break;
 *	case REQUEST_REFUSED:	(who wants an answer asks again)
 *		return;
 *	}
 *	cn_netlink_send(reply, nsp->portid, 0, GFP_NOWAIT);
 *
 * GFP_NOWAIT, because a reply that finds the requester's queue full is better
 * lost and asked for again than waited for: GFP_KERNEL would sleep here, in the
 * requester's own send, which is the only one that could empty the queue.
 *
 * What the requester has to do: number its messages upwards by seq (the rule
 * of Documentation/driver-api/connector.rst), repeat a request with the same
 * seq and ack, and have no request open that is @window or more behind the
 * newest. One memory serves one id.
 */

enum request_state {
	REQUEST_NEW,		/* never seen: the caller executes it */
	REQUEST_ANSWERED,	/* executed and answered before */
	REQUEST_REFUSED,	/* being executed, too old, or no memory */
};

struct reply_memory;

/**
 * reply_memory_create - make a memory
 * @requesters: sockets that are remembered at a time; more are refused
 * @window: replies remembered of each, a power of two
 * @reply_max: bytes of the longest reply, without struct cn_msg
 *
 * At most @requesters * @window * (@reply_max + 32) bytes are used, those of a
 * requester from its first request until its socket is closed. May sleep.
 * Gives the memory or an ERR_PTR().
 */
struct reply_memory *reply_memory_create(unsigned int requesters,
					 unsigned int window, u16 reply_max);

/**
 * reply_memory_destroy - free a memory
 * @memory: what reply_memory_create() gave; no call may be in progress
 *
 * May sleep.
 */
void reply_memory_destroy(struct reply_memory *memory);

/**
 * reply_memory_begin - find out what a request is
 * @memory: the memory
 * @portid: who asks
 * @request: what is asked
 * @reply: where to write the reply of before, has room for @reply_max bytes
 *
 * May sleep, and allocates with GFP_KERNEL, at the first request of a socket
 * only. Gives REQUEST_NEW only once for a request.
 */
enum request_state reply_memory_begin(struct reply_memory *memory, u32 portid,
				      const struct cn_msg *request,
				      struct cn_msg *reply);

/**
 * reply_memory_finish - remember the reply to a request that was executed
 * @memory: the memory
 * @portid: who asked
 * @request: what was asked
 * @reply: the answer, of at most @reply_max bytes
 *
 * Allocates nothing, so it cannot fail; any context but hard interrupts. If the
 * requester is gone there is nothing left to remember.
 */
void reply_memory_finish(struct reply_memory *memory, u32 portid,
			 const struct cn_msg *request,
			 const struct cn_msg *reply);

#endif
