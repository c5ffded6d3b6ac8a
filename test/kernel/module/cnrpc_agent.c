// SPDX-License-Identifier: GPL-2.0
#include <linux/connector.h>
#include <linux/module.h>
#include <linux/slab.h>

static struct cb_id agent_id = { 20, 1 };

static void agent_request(struct cn_msg *msg, struct netlink_skb_parms *nsp)
{
	msg->ack += 1;
	cn_netlink_send(msg, nsp->portid, 0, GFP_ATOMIC);
}

static int __init agent_init(void)
{
	return cn_add_callback(&agent_id, "cnrpc_agent", agent_request);
}
module_init(agent_init);

static void __exit agent_exit(void)
{
	cn_del_callback(&agent_id);
}
module_exit(agent_exit);

MODULE_DESCRIPTION("Agent");
MODULE_LICENSE("GPL");
