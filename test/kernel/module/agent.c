// SPDX-License-Identifier: GPL-2.0
/*
 * A connector agent for tests, id 20:1. It answers by the documented rule (the
 * same seq, ack + 1) with the number of the execution, u64 in host byte order,
 * and the request's own bytes. Its faults and counters are in debugfs.
 */
#include "agent.h"
#include "reply_memory.h"

#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/wait_bit.h>

static bool memory = true;
module_param(memory, bool, 0444);
MODULE_PARM_DESC(memory, "Remember replies and execute nothing twice");

static unsigned int window = 1024;
module_param(window, uint, 0444);
MODULE_PARM_DESC(window, "Replies remembered of each socket");

static unsigned int requesters = 64;
module_param(requesters, uint, 0444);
MODULE_PARM_DESC(requesters, "Sockets remembered");

struct agent_counters agent_counters;
struct agent_faults agent_faults;

static struct cb_id agent_id = { AGENT_IDX, AGENT_VAL };
static struct reply_memory *reply_memory;
static struct dentry *directory;
static atomic_t running = ATOMIC_INIT(0);

/* What a driver would do for its requesters. */
static void execute(const struct cn_msg *request, struct cn_msg *reply)
{
	u64 serial = atomic_inc_return(&agent_counters.executed);

	*reply = *request;
	reply->ack = request->ack + 1;
	reply->len = sizeof(serial) + request->len;
	memcpy(reply->data, &serial, sizeof(serial));
	memcpy(reply->data + sizeof(serial), request->data, request->len);
}

static void answer(u32 portid, const struct cn_msg *request)
{
	u8 bytes[sizeof(struct cn_msg) + REPLY_MAX] __aligned(4);
	struct cn_msg *reply = (struct cn_msg *)bytes;
	enum request_state state = REQUEST_NEW;

	if (request->len > REPLY_MAX - sizeof(u64))
		return;
	if (agent_chance(agent_faults.drop_request)) {
		atomic_inc(&agent_counters.dropped);
		return;
	}
	if (reply_memory)
		state = reply_memory_begin(reply_memory, portid, request,
					   reply);
	switch (state) {
	case REQUEST_REFUSED:
		atomic_inc(&agent_counters.refused);
		return;
	case REQUEST_ANSWERED:
		atomic_inc(&agent_counters.answered_again);
		break;
	case REQUEST_NEW:
		execute(request, reply);
		if (reply_memory)
			reply_memory_finish(reply_memory, portid, request,
					    reply);
	}
	post_reply(portid, reply);
}

/* Runs in the context of the sender, inside its sendto(). */
static void agent_request(struct cn_msg *msg, struct netlink_skb_parms *nsp)
{
	bool serial = agent_faults.serial;

	atomic_inc(&running);
	if (!serial || post_lock()) {
		answer(nsp->portid, msg);
		if (serial)
			post_unlock();
	}
	if (atomic_dec_and_test(&running))
		wake_up_var(&running);
}

static void make_files(void)
{
	struct agent_counters *c = &agent_counters;
	struct agent_faults *f = &agent_faults;
	struct dentry *d;

	d = debugfs_create_dir("cnrpc_agent", NULL);
	debugfs_create_atomic_t("executed", 0644, d, &c->executed);
	debugfs_create_atomic_t("answered_again", 0644, d, &c->answered_again);
	debugfs_create_atomic_t("refused", 0644, d, &c->refused);
	debugfs_create_atomic_t("dropped", 0644, d, &c->dropped);
	debugfs_create_atomic_t("duplicated", 0644, d, &c->duplicated);
	debugfs_create_atomic_t("delayed", 0644, d, &c->delayed);
	debugfs_create_atomic_t("flooded", 0644, d, &c->flooded);
	debugfs_create_atomic_t("not_delivered", 0644, d, &c->not_delivered);
	debugfs_create_atomic_t("no_memory", 0644, d, &c->no_memory);
	debugfs_create_atomic_t("last_error", 0644, d, &c->last_error);
	debugfs_create_u32("drop_request", 0644, d, &f->drop_request);
	debugfs_create_u32("drop_reply", 0644, d, &f->drop_reply);
	debugfs_create_u32("duplicate", 0644, d, &f->duplicate);
	debugfs_create_u32("delay_ms", 0644, d, &f->delay_ms);
	debugfs_create_bool("reorder", 0644, d, &f->reorder);
	debugfs_create_bool("hold", 0644, d, &f->hold);
	debugfs_create_u32("flood", 0644, d, &f->flood);
	debugfs_create_u32("flood_chance", 0644, d, &f->flood_chance);
	debugfs_create_bool("multicast", 0644, d, &f->multicast);
	debugfs_create_bool("blocking", 0644, d, &f->blocking);
	debugfs_create_bool("serial", 0644, d, &f->serial);
	directory = d;
}

static int __init agent_init(void)
{
	int error;

	if (memory) {
		reply_memory = reply_memory_create(requesters, window,
						   REPLY_MAX);
		if (IS_ERR(reply_memory))
			return PTR_ERR(reply_memory);
	}
	error = cn_add_callback(&agent_id, "cnrpc_agent", agent_request);
	if (error) {
		if (reply_memory)
			reply_memory_destroy(reply_memory);
		return error;
	}
	make_files();
	return 0;
}
module_init(agent_init);

/*
 * cn_del_callback() does not wait for a callback that runs inside somebody's
 * send, on another processor. Between its being found and its first line, and
 * after its last, nothing of ours is held; but it does not sleep there, so that
 * a grace period of RCU tasks covers both.
 */
static void __exit agent_exit(void)
{
	cn_del_callback(&agent_id);
	synchronize_rcu_tasks();
	wait_var_event(&running, !atomic_read(&running));
	synchronize_rcu_tasks();
	debugfs_remove(directory);
	post_exit();
	if (reply_memory)
		reply_memory_destroy(reply_memory);
}
module_exit(agent_exit);

MODULE_DESCRIPTION("A connector agent with faults and a memory, for tests");
MODULE_LICENSE("GPL");
