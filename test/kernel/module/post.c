// SPDX-License-Identifier: GPL-2.0
/*
 * The way back of the test agent: sends replies at once, or twice, or late, or
 * in another order, or to everybody, or into a queue that is full.
 */
#include "agent.h"

#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/prandom.h>
#include <linux/random.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

/* Replies that may be late at a time. */
#define LATE_MAX	4096

/* As small as an answer: where one of them has no room, an answer has none. */
#define FLOOD_BYTES	16

struct late {
	struct list_head node;
	unsigned long due;	/* jiffies */
	u32 portid;
	struct cn_msg reply;	/* the data follows */
};

static void send_late(struct work_struct *work);

static LIST_HEAD(late_list);
static unsigned int late_count;
static DEFINE_SPINLOCK(late_lock);
static DECLARE_DELAYED_WORK(late_work, send_late);
static DEFINE_MUTEX(serial_mutex);

bool agent_chance(u32 chance)
{
	u32 random;

	if (!chance)
		return false;
	get_random_bytes(&random, sizeof(random));
	return random % 1000 < chance;
}

bool post_lock(void)
{
	return !mutex_lock_killable(&serial_mutex);
}

void post_unlock(void)
{
	mutex_unlock(&serial_mutex);
}

static void send(u32 portid, struct cn_msg *msg, bool may_block)
{
	gfp_t gfp = may_block ? GFP_KERNEL : GFP_NOWAIT;
	int error;

	if (agent_faults.multicast)
		error = cn_netlink_send(msg, 0, AGENT_IDX, gfp);
	else
		error = cn_netlink_send(msg, portid, 0, gfp);
	if (error == -ENOMEM)
		atomic_inc(&agent_counters.no_memory);
	else if (error < 0)
		atomic_inc(&agent_counters.not_delivered);
	if (error < 0)
		atomic_set(&agent_counters.last_error, -error);
}

/* Events that nobody asked for: ack 0 answers no request. */
static void flood(u32 portid)
{
	u8 bytes[sizeof(struct cn_msg) + FLOOD_BYTES] __aligned(4) = { };
	struct cn_msg *msg = (struct cn_msg *)bytes;
	u32 i;

	msg->id.idx = AGENT_IDX;
	msg->id.val = AGENT_VAL;
	msg->len = FLOOD_BYTES;
	for (i = 0; i < agent_faults.flood; i++) {
		msg->seq = atomic_inc_return(&agent_counters.flooded);
		send(portid, msg, false);
	}
}

static void post_late(u32 portid, const struct cn_msg *reply)
{
	unsigned long delay = msecs_to_jiffies(agent_faults.delay_ms);
	struct late *late;

	late = kmalloc(sizeof(*late) + reply->len, GFP_KERNEL);
	if (!late) {
		atomic_inc(&agent_counters.no_memory);
		return;
	}
	late->due = jiffies + delay;
	late->portid = portid;
	late->reply = *reply;
	memcpy(late->reply.data, reply->data, reply->len);
	spin_lock(&late_lock);
	if (late_count < LATE_MAX) {
		list_add_tail(&late->node, &late_list);
		late_count++;
		late = NULL;
	}
	spin_unlock(&late_lock);
	if (late) {
		kfree(late);
		atomic_inc(&agent_counters.dropped);
		return;
	}
	atomic_inc(&agent_counters.delayed);
	queue_delayed_work(system_wq, &late_work, delay);
}

/* The next that is due: the first or, once one is due, any. */
static struct late *take_late(bool any)
{
	struct late *late = NULL;
	u32 skip;

	spin_lock(&late_lock);
	if (late_count && !agent_faults.hold) {
		late = list_first_entry(&late_list, struct late, node);
		if (any) {
			get_random_bytes(&skip, sizeof(skip));
			for (skip %= late_count; skip; skip--)
				late = list_next_entry(late, node);
		} else if (time_before(jiffies, late->due)) {
			late = NULL;
		}
	}
	if (late) {
		list_del(&late->node);
		late_count--;
	}
	spin_unlock(&late_lock);
	return late;
}

static void send_late(struct work_struct *work)
{
	bool serial = agent_faults.serial;
	struct late *late;

	if (serial)
		mutex_lock(&serial_mutex);
	for (late = take_late(false); late;
	     late = take_late(agent_faults.reorder)) {
		send(late->portid, &late->reply, agent_faults.blocking);
		kfree(late);
	}
	if (serial)
		mutex_unlock(&serial_mutex);
	if (READ_ONCE(late_count))
		queue_delayed_work(system_wq, &late_work, 1);
}

void post_reply(u32 portid, struct cn_msg *reply)
{
	unsigned int copies = 1;

	if (agent_chance(agent_faults.drop_reply)) {
		atomic_inc(&agent_counters.dropped);
		return;
	}
	if (agent_chance(agent_faults.duplicate)) {
		atomic_inc(&agent_counters.duplicated);
		copies = 2;
	}
	if (agent_chance(agent_faults.flood_chance))
		flood(portid);
	while (copies--) {
		if (agent_faults.delay_ms || agent_faults.hold)
			post_late(portid, reply);
		else
			send(portid, reply, agent_faults.blocking);
	}
}

void post_exit(void)
{
	struct late *late, *next;

	cancel_delayed_work_sync(&late_work);
	list_for_each_entry_safe(late, next, &late_list, node)
		kfree(late);
}
