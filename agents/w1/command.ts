import { encodeSlaveId, type SlaveId } from './slave-id.ts';
import { codes, encodeMaster, encodeMessage, types, type WireCommand } from './wire.ts';
import { isU32 } from '../../core/id.ts';
import { required } from '../../core/errors.ts';

/** Whom commands are for. To a slave the kernel sends reset and match ROM before the first. */
export type Target = { readonly master: number } | { readonly slave: SlaveId };

/** One command to a master or, if it reads, writes or touches, to a slave. */
export type Command =
  | { readonly kind: 'read'; readonly length: number }
  | { readonly kind: 'write' | 'touch'; readonly data: Uint8Array }
  | { readonly kind: 'reset' | 'search' | 'alarm-search' | 'list-slaves' }
  | { readonly kind: 'add-slave' | 'remove-slave'; readonly slave: SlaveId };

/** What became of one command. */
export interface CommandResult {
  readonly kind: Command['kind'];
  /** 0, or a positive errno; 255 for a reset that no slave answered. */
  readonly status: number;
  /** What was read, touched or found; else empty. */
  readonly data: Uint8Array;
}

/**
 * Commands of one request. Each brings up to three messages (data, status, and an empty one that
 * the kernel sends first where its reply buffer is tight), so a default receive queue of 256 holds
 * them all, and the agent need not sleep in the middle (semantics 25).
 */
export const COMMANDS_MAX = 64;

/** Encodes commands to one target. Throws `invalid-argument`. */
export function encodeCommands(target: Target, commands: readonly Command[]): Uint8Array {
  required(
    commands.length >= 1 && commands.length <= COMMANDS_MAX,
    `a request has 1 to ${COMMANDS_MAX} commands, not ${commands.length}`,
  );
  if ('slave' in target) {
    for (const { kind } of commands) {
      required(kind === 'read' || kind === 'write' || kind === 'touch', `no slave takes ${kind}`);
    }
  } else required(isU32(target.master), `a master has a number of 32 bits, not ${target.master}`);
  return 'slave' in target
    ? encodeMessage(types.slaveCommand, encodeSlaveId(target.slave), commands.map(wireCommand))
    : encodeMessage(types.masterCommand, encodeMaster(target.master), commands.map(wireCommand));
}

function wireCommand(command: Command): WireCommand {
  const code = codes[command.kind];
  switch (command.kind) {
    case 'read': {
      const { length } = command;
      const whole = Number.isInteger(length) && length >= 0 && length <= 0xffff;
      required(whole, `a length is a whole number of 16 bits, not ${length}`);
      return { code, data: new Uint8Array(length) }; // room for what is read
    }
    case 'write':
    case 'touch':
      return { code, data: command.data };
    case 'add-slave':
    case 'remove-slave':
      return { code, data: encodeSlaveId(command.slave) };
    default:
      return { code, data: new Uint8Array(0) };
  }
}
