import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { createInterface } from 'node:readline';

/** The emulated machine: two processors, no disk, no network. */
const MEMORY_MB = 1024;
const PROCESSORS = 2;

/** Holds what to boot. */
export interface Machine {
  readonly kernel: string;
  readonly image: string;
  /** Where to write all that the guest prints. */
  readonly log: string;
  /** The longest that it may run, ms. */
  readonly limitMs: number;
}

/**
 * Boots the machine, gives each line that it prints, and resolves when it has powered off. False:
 * it had to be killed for taking too long.
 */
export async function boot(machine: Machine, line: (text: string) => void): Promise<boolean> {
  const append = 'console=ttyS0 panic=-1 quiet mitigations=off';
  // TCG by name: the KVM of this project's machines runs no unmodified guest (real-kernel §0).
  const args = [
    ...['-M', 'q35', '-accel', 'tcg,thread=multi', '-cpu', 'max', '-smp', `${PROCESSORS}`],
    ...['-m', `${MEMORY_MB}`, '-display', 'none', '-monitor', 'none', '-serial', 'stdio'],
    ...['-nic', 'none', '-nodefaults', '-no-user-config', '-no-reboot'],
    ...['-kernel', machine.kernel, '-initrd', machine.image, '-append', append],
  ];
  const qemu = spawn('qemu-system-x86_64', args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const kill = (): boolean => qemu.kill('SIGKILL');
  process.once('exit', kill);
  let inTime = true;
  const timer = setTimeout(() => {
    inTime = false;
    kill();
  }, machine.limitMs);
  const log = createWriteStream(machine.log);
  for (const output of [qemu.stdout, qemu.stderr]) {
    createInterface({ input: output }).on('line', (text) => {
      log.write(`${text}\n`);
      line(text);
    });
  }
  await new Promise((resolve, reject) => {
    qemu.once('error', reject);
    qemu.once('close', resolve);
  });
  clearTimeout(timer);
  process.removeListener('exit', kill);
  log.end();
  return inTime;
}
