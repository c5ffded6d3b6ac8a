// SPDX-License-Identifier: GPL-2.0
/*
 * A 1-Wire bus in software: one master and two slaves, bit by bit, so that
 * the w1 subsystem and its connector agent (id 3:1) work without hardware.
 *
 * Each slave has a scratchpad of 16 bytes: 0x4e writes it from its beginning,
 * 0xbe reads it. The second slave also answers the alarm search.
 */
#include <linux/bits.h>
#include <linux/module.h>
#include <linux/w1.h>

#define CMD_SEARCH	0xf0
#define CMD_ALARM	0xec
#define CMD_MATCH	0x55
#define CMD_SKIP	0xcc
#define CMD_WRITE	0x4e
#define CMD_READ	0xbe

#define ROM_BITS	64
#define PAD_BYTES	16
#define PAD_BITS	(PAD_BYTES * BITS_PER_BYTE)

enum phase {
	BUS_ROM,	/* eight bits of a ROM command */
	BUS_SEARCH,
	BUS_MATCH,
	BUS_COMMAND,	/* eight bits of a command to the selected */
	BUS_READ,
	BUS_WRITE,
	BUS_SILENT,
};

struct slave {
	u64 rom;
	bool alarm;
	bool selected;
	u8 pad[PAD_BYTES];
};

/* The w1 core holds the master's bus_mutex around every call. */
struct bus {
	struct slave slave[2];
	enum phase phase;
	unsigned int at;	/* bits of this phase so far */
	u8 command;
};

static struct bus bus;

static bool rom_bit(const struct slave *slave, unsigned int at)
{
	return slave->rom >> at & 1;
}

static void enter(enum phase phase)
{
	bus.phase = phase;
	bus.at = 0;
}

static enum phase run_command(u8 command)
{
	unsigned int i;

	switch (command) {
	case CMD_ALARM:
		for (i = 0; i < ARRAY_SIZE(bus.slave); i++)
			bus.slave[i].selected = bus.slave[i].alarm;
		return BUS_SEARCH;
	case CMD_SEARCH:
		return BUS_SEARCH;
	case CMD_MATCH:
		return BUS_MATCH;
	case CMD_SKIP:
		return BUS_COMMAND;
	case CMD_READ:
		return BUS_READ;
	case CMD_WRITE:
		return BUS_WRITE;
	default:
		return BUS_SILENT;
	}
}

/* What one slave does with the wire in one time slot: false pulls it down. */
static bool slot(struct slave *slave, bool bit)
{
	unsigned int at = bus.at;

	switch (bus.phase) {
	case BUS_SEARCH: /* a ROM bit, its complement, the master's choice */
		if (at % 3 == 0)
			return rom_bit(slave, at / 3);
		if (at % 3 == 1)
			return !rom_bit(slave, at / 3);
		slave->selected = rom_bit(slave, at / 3) == bit;
		return true;
	case BUS_MATCH:
		slave->selected = rom_bit(slave, at) == bit;
		return true;
	case BUS_READ:
		return at >= PAD_BITS || (slave->pad[at / 8] >> at % 8 & 1);
	case BUS_WRITE:
		if (at < PAD_BITS) {
			slave->pad[at / 8] &= ~BIT(at % 8);
			slave->pad[at / 8] |= bit << at % 8;
		}
		return true;
	default:
		return true;
	}
}

static u8 touch_bit(void *data, u8 bit)
{
	bool level = bit;
	unsigned int i;

	if (bus.phase == BUS_ROM || bus.phase == BUS_COMMAND) {
		bus.command = bus.command >> 1 | bit << 7;
		if (++bus.at == 8)
			enter(run_command(bus.command));
		return bit;
	}
	for (i = 0; i < ARRAY_SIZE(bus.slave); i++)
		if (bus.slave[i].selected)
			level &= slot(&bus.slave[i], bit);
	bus.at++;
	if (bus.phase == BUS_MATCH && bus.at == ROM_BITS)
		enter(BUS_COMMAND);
	else if (bus.phase == BUS_SEARCH && bus.at == 3 * ROM_BITS)
		enter(BUS_SILENT);
	return level;
}

static u8 reset_bus(void *data)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bus.slave); i++)
		bus.slave[i].selected = true;
	enter(BUS_ROM);
	return 0;	/* somebody is present */
}

static struct w1_bus_master master = {
	.touch_bit = touch_bit,
	.reset_bus = reset_bus,
};

/* Family 0x01 (nothing but a serial number), the id, the checksum. */
static u64 rom(u64 id)
{
	__le64 bytes = cpu_to_le64(0x01 | id << 8);

	return le64_to_cpu(bytes) | (u64)w1_calc_crc8((u8 *)&bytes, 7) << 56;
}

static int __init cnrpc_w1_init(void)
{
	bus.slave[0].rom = rom(0xcafe0001);
	bus.slave[1].rom = rom(0xcafe0002);
	bus.slave[1].alarm = true;
	return w1_add_master_device(&master);
}
module_init(cnrpc_w1_init);

static void __exit cnrpc_w1_exit(void)
{
	w1_remove_master_device(&master);
}
module_exit(cnrpc_w1_exit);

MODULE_DESCRIPTION("A 1-Wire bus in software, for tests");
MODULE_LICENSE("GPL");
