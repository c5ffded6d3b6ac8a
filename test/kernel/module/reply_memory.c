// SPDX-License-Identifier: GPL-2.0
#include "reply_memory.h"

#include <linux/err.h>
#include <linux/hashtable.h>
#include <linux/log2.h>
#include <linux/mm.h>
#include <linux/netlink.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <net/net_namespace.h>

/* One request and, once it was executed, its reply. */
struct slot {
	u32 seq;
	u32 ack;
	bool used;
	bool answered;
	struct cn_msg reply;	/* the data follows */
};

/*
 * Everything of one socket. A request lives in the slot of its seq modulo the
 * window: it is found without a search, and displaces the one that is exactly
 * a window older. Since a slot knows which request it holds, an older one than
 * that is recognised, too, and never executed a second time.
 */
struct requester {
	struct hlist_node node;
	u32 portid;
	u8 slots[] __aligned(8);
};

struct reply_memory {
	spinlock_t lock;	/* everything below; taken in softirqs, too */
	DECLARE_HASHTABLE(requesters, 6);
	unsigned int count;
	unsigned int count_max;
	unsigned int window;
	size_t slot_size;
	u16 reply_max;
	struct notifier_block released;
};

static struct slot *slot_of(const struct reply_memory *memory,
			    struct requester *requester, u32 seq)
{
	u32 index = seq & (memory->window - 1);

	return (struct slot *)(requester->slots + index * memory->slot_size);
}

static struct requester *find(struct reply_memory *memory, u32 portid)
{
	struct requester *requester;

	hash_for_each_possible(memory->requesters, requester, node, portid)
		if (requester->portid == portid)
			return requester;
	return NULL;
}

static void copy_message(struct cn_msg *to, const struct cn_msg *from)
{
	*to = *from;
	memcpy(to->data, from->data, from->len);
}

/*
 * All memory that a requester will ever need comes with its first request,
 * before anything is executed for it: between executing and remembering
 * nothing can fail. __GFP_ACCOUNT: it is the requester's, who asked for it.
 */
static bool make_requester(struct reply_memory *memory, u32 portid)
{
	size_t size = memory->window * memory->slot_size;
	struct requester *requester;
	bool welcome;

	requester = kvzalloc(sizeof(*requester) + size, GFP_KERNEL_ACCOUNT);
	if (!requester)
		return false;
	requester->portid = portid;
	spin_lock_bh(&memory->lock);
	/* Another thread with the same socket may have been faster. */
	welcome = !find(memory, portid) && memory->count < memory->count_max;
	if (welcome) {
		hash_add(memory->requesters, &requester->node, portid);
		memory->count++;
	}
	spin_unlock_bh(&memory->lock);
	if (!welcome)
		kvfree(requester);
	return true;
}

/* A request of a known requester, under the lock. */
static enum request_state look_up(struct reply_memory *memory,
				  struct requester *requester,
				  const struct cn_msg *request,
				  struct cn_msg *reply)
{
	struct slot *slot = slot_of(memory, requester, request->seq);

	if (slot->used && slot->seq == request->seq &&
	    slot->ack == request->ack) {
		if (!slot->answered)
			return REQUEST_REFUSED;	/* being executed */
		copy_message(reply, &slot->reply);
		return REQUEST_ANSWERED;
	}
	/* Serial numbers wrap: older is what lies less than half way behind. */
	if (slot->used && (s32)(request->seq - slot->seq) < 0)
		return REQUEST_REFUSED;
	slot->seq = request->seq;
	slot->ack = request->ack;
	slot->used = true;
	slot->answered = false;
	return REQUEST_NEW;
}

enum request_state reply_memory_begin(struct reply_memory *memory, u32 portid,
				      const struct cn_msg *request,
				      struct cn_msg *reply)
{
	enum request_state state = REQUEST_REFUSED;
	struct requester *requester;
	int tries;

	for (tries = 0; tries < 2; tries++) {
		spin_lock_bh(&memory->lock);
		requester = find(memory, portid);
		if (requester)
			state = look_up(memory, requester, request, reply);
		spin_unlock_bh(&memory->lock);
		if (requester || !make_requester(memory, portid))
			break;
	}
	return state;
}

void reply_memory_finish(struct reply_memory *memory, u32 portid,
			 const struct cn_msg *request,
			 const struct cn_msg *reply)
{
	struct requester *requester;
	struct slot *slot;

	if (WARN_ON_ONCE(reply->len > memory->reply_max))
		return;
	spin_lock_bh(&memory->lock);
	requester = find(memory, portid);
	if (requester) {
		slot = slot_of(memory, requester, request->seq);
		if (slot->used && slot->seq == request->seq &&
		    slot->ack == request->ack) {
			copy_message(&slot->reply, reply);
			slot->answered = true;
		}
	}
	spin_unlock_bh(&memory->lock);
}

/*
 * A socket was closed. None of its requests can come any more, because the
 * callback runs inside the send of an open socket, and its portid may soon be
 * that of another, who is to begin with nothing.
 */
static int socket_released(struct notifier_block *block, unsigned long event,
			   void *data)
{
	struct reply_memory *memory =
		container_of(block, struct reply_memory, released);
	const struct netlink_notify *notify = data;
	struct requester *requester;

	/* The connector lives in the first network namespace only. */
	if (event != NETLINK_URELEASE ||
	    notify->protocol != NETLINK_CONNECTOR ||
	    !net_eq(notify->net, &init_net))
		return NOTIFY_DONE;
	spin_lock_bh(&memory->lock);
	requester = find(memory, notify->portid);
	if (requester) {
		hash_del(&requester->node);
		memory->count--;
	}
	spin_unlock_bh(&memory->lock);
	kvfree(requester);
	return NOTIFY_DONE;
}

struct reply_memory *reply_memory_create(unsigned int requesters,
					 unsigned int window, u16 reply_max)
{
	struct reply_memory *memory;
	int error;

	if (!is_power_of_2(window))
		return ERR_PTR(-EINVAL);
	memory = kzalloc(sizeof(*memory), GFP_KERNEL);
	if (!memory)
		return ERR_PTR(-ENOMEM);
	spin_lock_init(&memory->lock);
	hash_init(memory->requesters);
	memory->count_max = requesters;
	memory->window = window;
	memory->reply_max = reply_max;
	memory->slot_size = ALIGN(sizeof(struct slot) + reply_max, 8);
	memory->released.notifier_call = socket_released;
	error = netlink_register_notifier(&memory->released);
	if (error) {
		kfree(memory);
		return ERR_PTR(error);
	}
	return memory;
}

void reply_memory_destroy(struct reply_memory *memory)
{
	struct requester *requester;
	struct hlist_node *next;
	int bucket;

	netlink_unregister_notifier(&memory->released);
	hash_for_each_safe(memory->requesters, bucket, next, requester, node)
		kvfree(requester);
	kfree(memory);
}
