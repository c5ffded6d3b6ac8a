// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's side of a driver with an agent on the connector, id 21:1, as
 * small as it gets: to begin your own from. The other side is
 * examples/driver.ts, what both keep to is in docs/AGENTS.md.
 *
 * It has 16 counters, which requests read or add to, each exactly once, and
 * tells group 21 when one has changed.
 */
#include "reply_memory.h"

#include <linux/atomic.h>
#include <linux/connector.h>
#include <linux/err.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/wait_bit.h>

#define COUNTERS	16
#define REQUESTERS	64
#define WINDOW		1024

enum operation { OPERATION_READ, OPERATION_ADD };

/*
 * Fixed sizes, and packed: they stand behind the 20 bytes of struct cn_msg, so
 * that a __u64 in them is not aligned, and must not be moved to where it is.
 */
struct counter_request {
	__u32 operation;
	__u32 counter;
	__u64 amount;
} __packed;

struct counter_reply {
	__s32 error;
	__u32 counter;
	__u64 value;
} __packed;

/* A cn_msg with room for a reply, which is also what an event is. */
struct counter_message {
	struct cn_msg cn;
	struct counter_reply reply;
};

static struct cb_id counters_id = { 21, 1 };
static struct reply_memory *memory;
static atomic64_t counters[COUNTERS];
static atomic_t events = ATOMIC_INIT(0);
static atomic_t running = ATOMIC_INIT(0);

/* To whoever has joined the group; if nobody has, or a queue is full, so be it. */
static void announce(__u32 counter, __u64 value)
{
	struct counter_message event = {
		.cn.id = counters_id,
		.cn.seq = atomic_inc_return(&events),
		.cn.len = sizeof(event.reply),
		.reply = { .counter = counter, .value = value },
	};

	cn_netlink_send(&event.cn, 0, 0, GFP_NOWAIT);
}

static void execute(const struct cn_msg *msg, struct counter_message *to)
{
	const struct counter_request *request = (const void *)msg->data;
	struct counter_reply *reply = &to->reply;

	to->cn = *msg;
	to->cn.ack = msg->ack + 1;
	to->cn.len = sizeof(*reply);
	*reply = (struct counter_reply){ .counter = request->counter };
	if (request->counter >= COUNTERS) {
		reply->error = -EINVAL;
	} else if (request->operation == OPERATION_READ) {
		reply->value = atomic64_read(&counters[request->counter]);
	} else if (request->operation == OPERATION_ADD) {
		reply->value = atomic64_add_return(request->amount,
						   &counters[request->counter]);
		announce(request->counter, reply->value);
	} else {
		reply->error = -EOPNOTSUPP;
	}
}

/*
 * Runs inside the requester's send. Anybody may send to the connector: what
 * only root may do has to be checked here, with netlink_capable().
 */
static void asked(struct cn_msg *msg, struct netlink_skb_parms *nsp)
{
	struct counter_message reply;

	if (msg->len != sizeof(struct counter_request))
		return;
	atomic_inc(&running);
	switch (reply_memory_begin(memory, nsp->portid, msg, &reply.cn)) {
	case REQUEST_NEW:
		execute(msg, &reply);
		reply_memory_finish(memory, nsp->portid, msg, &reply.cn);
		fallthrough;
	case REQUEST_ANSWERED:
		/* Never GFP_KERNEL: it could wait for the requester, who waits for us. */
		cn_netlink_send(&reply.cn, nsp->portid, 0, GFP_NOWAIT);
		break;
	case REQUEST_REFUSED:
		break;
	}
	if (atomic_dec_and_test(&running))
		wake_up_var(&running);
}

static int __init counters_init(void)
{
	int error;

	memory = reply_memory_create(REQUESTERS, WINDOW,
				     sizeof(struct counter_reply));
	if (IS_ERR(memory))
		return PTR_ERR(memory);
	error = cn_add_callback(&counters_id, "cnrpc_counters", asked);
	if (error)
		reply_memory_destroy(memory);
	return error;
}
module_init(counters_init);

/* cn_del_callback() does not wait for callbacks: agent.c says why this does. */
static void __exit counters_exit(void)
{
	cn_del_callback(&counters_id);
	synchronize_rcu_tasks();
	wait_var_event(&running, !atomic_read(&running));
	synchronize_rcu_tasks();
	reply_memory_destroy(memory);
}
module_exit(counters_exit);

MODULE_DESCRIPTION("Counters behind a connector agent: a driver to begin one's own from");
MODULE_LICENSE("GPL");
