// SPDX-License-Identifier: GPL-2.0
/*
 * Lets allocations of network buffers fail on a kernel that was built without
 * fault injection, in the context of one process only: __alloc_skb() returns
 * NULL, with a chance of 1000. In debugfs: /sys/kernel/debug/cnrpc_skb_fault/.
 */
#include <linux/atomic.h>
#include <linux/debugfs.h>
#include <linux/kprobes.h>
#include <linux/module.h>
#include <linux/random.h>
#include <linux/sched.h>

static u32 process;	/* tgid; 0: nobody */
static u32 chance;
static atomic_t failed;
static struct dentry *directory;

static noinline void *no_memory(void)
{
	return NULL;
}

/* At the first instruction: to continue in no_memory() is to have called it. */
static int before(struct kprobe *probe, struct pt_regs *regs)
{
	u32 random;

	if (!process || current->tgid != process)
		return 0;
	get_random_bytes(&random, sizeof(random));
	if (random % 1000 >= chance)
		return 0;
	atomic_inc(&failed);
	instruction_pointer_set(regs, (unsigned long)no_memory);
	return 1;
}

/* Keeps the probe from being optimised into one that cannot divert. */
static void after(struct kprobe *probe, struct pt_regs *regs,
		  unsigned long flags)
{
}

static struct kprobe probe = {
	.symbol_name = "__alloc_skb",
	.pre_handler = before,
	.post_handler = after,
};

static int __init skb_fault_init(void)
{
	int error = register_kprobe(&probe);

	if (error)
		return error;
	directory = debugfs_create_dir("cnrpc_skb_fault", NULL);
	debugfs_create_u32("process", 0644, directory, &process);
	debugfs_create_u32("chance", 0644, directory, &chance);
	debugfs_create_atomic_t("failed", 0644, directory, &failed);
	return 0;
}
module_init(skb_fault_init);

static void __exit skb_fault_exit(void)
{
	debugfs_remove(directory);
	unregister_kprobe(&probe);
}
module_exit(skb_fault_exit);

MODULE_DESCRIPTION("Failing allocations of network buffers, for tests");
MODULE_LICENSE("GPL");
