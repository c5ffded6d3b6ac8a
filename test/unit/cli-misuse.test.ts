import test from 'ava';
import { run } from '../../cli/program.ts';
import { Shell } from '../../cli/shell.ts';

/** Keeps what would be printed. */
class Recorder extends Shell {
  printed: string[] = [];
  complaints: string[] = [];

  /** Runs a command; one shell serves them all, since each listens to the process's streams. */
  async run(args: readonly string[]): Promise<number> {
    this.printed = [];
    this.complaints = [];
    return await run(args, this);
  }

  override text(...lines: readonly string[]): void {
    this.printed.push(...lines);
  }

  override object(value: object): void {
    this.printed.push(JSON.stringify(value));
  }

  override complain(sentence: string): void {
    this.complaints.push(sentence);
  }
}

const shell = new Recorder();

const misuses: readonly (readonly [args: string, complaint: RegExp])[] = [
  ['', /a command is needed: stress, serve/],
  ['bogus', /no command "bogus"/],
  ['kernel', /the commands of kernel are: kernel ping/],
  ['--json', /a command stands before the options/],
  ['stress --loss 2', /--loss takes a probability from 0 to 1, not "2"/],
  ['stress --loss -0.1', /--loss takes a probability/],
  ['stress --loss 0x1', /--loss takes a probability/],
  ['stress --calls -1', /--calls takes a whole number from 1 to 100000000, not "-1"/],
  ['stress --calls 1e3', /--calls takes a whole number/],
  ['stress --calls 1.5', /--calls takes a whole number/],
  ['stress --calls 0', /--calls takes a whole number/],
  ['stress --calls', /--calls takes a whole number .* none is given/],
  ['stress --calls --seed 3', /--calls takes a whole number .* not "--seed"/],
  ['stress --delay-ms 3..1', /--delay-ms takes MIN\.\.MAX/],
  ['stress --delay-ms 3', /--delay-ms takes MIN\.\.MAX/],
  ['stress --delay-ms 1..2..3', /--delay-ms takes MIN\.\.MAX/],
  ['stress --payload 61441', /--payload takes a whole number from 0 to 61440/],
  ['stress --seed 4294967296', /--seed takes a whole number/],
  ['stress --transport tcp', /--transport takes one of simulated, netlink, udp/],
  ['stress --memory-pressure much', /--memory-pressure takes one of none, moderate, severe/],
  ['stress --json=yes', /--json takes no value/],
  ['stress --seed 1 --seed 2', /--seed is given twice/],
  ['stress --frob', /there is no option --frob/],
  ['stress --toString', /there is no option --toString/],
  ['stress -x', /there is no option -x/],
  ['stress more', /"more" is one argument too many/],
  ['serve', /--id IDX:VAL is needed/],
  ['serve --id x', /--id takes IDX:VAL/],
  ['serve --id 1:4294967296', /--id takes IDX:VAL/],
  ['serve --id 1:2 --portid 0', /--portid takes a whole number from 1/],
  ['serve --id 1:2 --bare --echo', /--echo and --bare exclude each other/],
  ['serve --id 1:2 --transport simulated', /--transport takes one of netlink, udp/],
  ['serve --id 1:2 --host 127.0.0.1', /--host goes with --transport udp only/],
  ['serve --id 1:2 --port 9', /--port goes with --transport udp only/],
  ['serve --id 1:2 --transport udp --portid 9', /--portid goes with --transport netlink only/],
  ['serve --id 1:2 --transport udp --host ::1', /--host takes an IPv4 address, not "::1"/],
  ['serve --id 1:2 --transport udp --port 65536', /--port takes a whole number from 1 to 65535/],
  ['call --id 1:2 --port 9 echo', /--port goes with --transport udp only/],
  ['call --id 1:2 --transport udp --portid 9 echo', /--portid goes with --transport netlink/],
  ['call --id 1:2 --transport udp --host 0.0.0.0 echo', /--host takes the address of one server/],
  ['call --id 1:2', /METHOD is needed, or --bare/],
  ['call --id 1:2 echo {', /one JSON value, not '\{'/],
  ['call --id 1:2 echo 1 2', /"2" is one argument too many/],
  ['call --id 1:2 echo -5', /there is no option -5/],
  ['call --id 1:2 --hex 00 echo', /--hex goes with --bare only/],
  ['call --id 1:2 --bare echo', /"echo" is one argument too many/],
  ['call --id 1:2 --bare --hex 0', /--hex takes bytes/],
  ['call --id 1:2 --timeout-ms 0 echo', /--timeout-ms takes a whole number/],
  ['kernel ping --count 0', /--count takes a whole number from 1/],
  ['decode', /HEX is needed/],
  ['decode 0', /HEX takes bytes, two hexadecimal digits each/],
  ['decode zz', /HEX takes bytes/],
];

test.serial('every misuse ends with exit code 2 and a sentence naming the option', async (t) => {
  for (const [args, complaint] of misuses) {
    t.is(await shell.run(args.split(' ').filter((word) => word !== '')), 2, args);
    t.deepEqual(shell.printed, [], args);
    t.is(shell.complaints.length, 1, args);
    t.regex(shell.complaints[0]!, complaint, args);
    t.regex(shell.complaints[0]!, /^[^\n]+ \(see cnrpc [^\n]*--help\)$/, args);
  }
});

test.serial('help and version win over whatever else is wrong', async (t) => {
  const asking = ['--help', '-h', 'help', 'stress --loss 2 --help', 'bogus -h', 'kernel --help'];
  for (const args of asking) {
    t.is(await shell.run(args.split(' ')), 0, args);
    t.regex(shell.printed[0]!, /^Usage: cnrpc /, args);
    t.deepEqual(shell.complaints, []);
  }
  t.is(await shell.run(['stress', '--frob', '--version']), 0);
  t.regex(shell.printed[0]!, /^\d+\.\d+\.\d+/);
});

test.serial('after -- nothing is an option', async (t) => {
  t.is(await shell.run(['decode', '--', '--help']), 2);
  t.regex(shell.complaints[0]!, /HEX takes bytes/);
});
