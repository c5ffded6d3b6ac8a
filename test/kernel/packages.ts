import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { installed, run, Unavailable } from './command.ts';

/** Commands that are needed, and Debian's packages with them. */
const TOOLS = {
  'qemu-system-x86_64': 'qemu-system-x86',
  gcc: 'gcc',
  make: 'make',
  xz: 'xz-utils',
  zstd: 'zstd',
  dmsetup: 'dmsetup',
} as const;

/** The metapackages of Debian's kernels: the release's own, and those of other major versions. */
const KERNELS = /^linux-image-(?:\d+\.\d+-)?amd64$/;
/** Of a kernel's image, what the guest may need: a hundredth of it. */
const WANTED = [
  '*/vmlinuz-*',
  ...['block', 'md', 'w1'].map((name) => `*/kernel/drivers/${name}/*`),
];

/** Tells a person what is being waited for. */
export type Tell = (line: string) => void;

/** Installs what is missing of the tools. Throws `Unavailable` where that cannot be done. */
export async function installTools(tell: Tell): Promise<void> {
  if (`${process.platform} ${process.arch}` !== 'linux x64') {
    throw new Unavailable(`the guest is x86-64 Linux, this is ${process.platform} ${process.arch}`);
  }
  const missing: string[] = [];
  for (const [command, name] of Object.entries(TOOLS)) {
    if (!(await installed(command))) missing.push(name);
  }
  if (!(await installed('apt-get'))) throw new Unavailable('there is no apt-get to get kernels by');
  const root = process.getuid?.() === 0;
  if (missing.length > 0 && !root) {
    throw new Unavailable(`not installed, and only root may: ${missing.join(' ')}`);
  }
  // Without an update a new machine finds no package, or one that is no longer kept.
  if (root) await run('apt-get', ['update', '-qq']).catch(unavailable('apt-get update'));
  if (missing.length === 0) return;
  tell(`installs ${missing.join(' ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const args = ['install', '-qq', '-y', '--no-install-recommends', ...missing];
  await run('apt-get', args, { env }).catch(unavailable('apt-get install'));
}

/** The kernels that can be had, as in `uname -r`, the release's own first. */
export async function kernelReleases(): Promise<string[]> {
  const names = await run('apt-cache', ['search', '--names-only', '^linux-image-.*amd64$']);
  const metas = names
    .toString()
    .split('\n')
    .map((line) => line.split(' ')[0]!);
  const wanted = metas.filter((name) => KERNELS.test(name)).sort((a, b) => a.length - b.length);
  if (wanted.length === 0) throw new Unavailable('apt knows no linux-image package');
  const releases: string[] = [];
  for (const meta of wanted) {
    const found = (await dependencies(meta)).find((name) => name.startsWith('linux-image-'));
    if (found !== undefined) releases.push(found.slice('linux-image-'.length));
  }
  return [...new Set(releases)];
}

/** Gets busybox, the guest's shell; gives its path. */
export async function fetchBusybox(cache: string): Promise<string> {
  const folder = join(cache, 'busybox');
  await once(folder, (into) => unpack(['busybox-static'], into));
  return join(folder, existsSync(join(folder, 'usr/bin/busybox')) ? 'usr' : '', 'bin/busybox');
}

/** Gets a kernel with its drivers and headers; gives the folder it is unpacked in. */
export async function fetchKernel(cache: string, release: string, tell: Tell): Promise<string> {
  const folder = join(cache, release, 'system');
  await once(folder, async (into) => {
    tell(`gets linux ${release} and its headers`);
    const headers = `linux-headers-${release}`;
    const parts = /^linux-(?:headers|kbuild|compiler)-/;
    const others = (await dependencies(headers)).filter((name) => parts.test(name));
    await unpack([headers, ...others], into);
    await unpack([`linux-image-${release}`], into, WANTED);
  });
  return folder;
}

async function dependencies(name: string): Promise<string[]> {
  const lines = (await run('apt-cache', ['depends', '--important', name])).toString().split('\n');
  return lines.flatMap((line) => /^[ |]*Depends: (\S+)/.exec(line)?.[1] ?? []);
}

/** Makes a folder whole or not at all: what was interrupted begins anew. */
async function once(folder: string, make: (into: string) => Promise<void>): Promise<void> {
  if (existsSync(folder)) return;
  const unfinished = `${folder}.unfinished`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { recursive: true });
  await make(unfinished);
  await rename(unfinished, folder);
}

/** Downloads packages and unpacks them, or what of them fits the patterns, without installing. */
async function unpack(
  names: readonly string[],
  into: string,
  patterns?: readonly string[],
): Promise<void> {
  const failed = unavailable(`apt-get download ${names.join(' ')}`);
  await run('apt-get', ['download', '-qq', ...names], { cwd: into }).catch(failed);
  for (const file of (await readdir(into)).filter((name) => name.endsWith('.deb'))) {
    if (patterns === undefined) await run('dpkg', ['-x', file, '.'], { cwd: into });
    else {
      const script = 'f=$1; shift; dpkg --fsys-tarfile "$f" | tar -x --wildcards "$@"';
      await run('bash', ['-o', 'pipefail', '-c', script, 'sh', file, ...patterns], { cwd: into });
    }
    await rm(join(into, file));
  }
}

function unavailable(what: string): (error: Error) => never {
  return (error) => {
    throw new Unavailable(`${what} does not work here: ${error.message}`);
  };
}
