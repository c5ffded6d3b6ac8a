import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { run } from './command.ts';
import type { Tell } from './packages.ts';
import { packageRoot } from '../package-root.ts';

/** A kernel module as it goes into the guest. */
export interface KernelModule {
  readonly name: string;
  readonly content: Uint8Array;
  /** Names of the modules it needs. */
  readonly depends: readonly string[];
}

/** Modules of the distribution that guest tests may load by name, and what those need. */
const DISTRIBUTED = ['wire', 'brd', 'loop', 'dm_mod', 'dm_mirror', 'dm_log', 'dm_log_userspace'];

/** Builds the project's own modules, kept between runs; gives their files. */
export async function buildModules(
  system: string,
  release: string,
  folder: string,
  tell: Tell,
): Promise<string[]> {
  const headers = join(system, 'usr/src', `linux-headers-${release}`);
  // The one absolute path in the headers: they are not where their package would put them.
  const makefile = join(headers, 'Makefile');
  const text = await readFile(makefile, 'utf8');
  await writeFile(makefile, text.replace(/(^|\s)\/usr\/src/g, `$1${join(system, 'usr/src')}`));
  await mkdir(folder, { recursive: true });
  const sources = join(packageRoot, 'test/kernel/module');
  await cp(sources, folder, { recursive: true, preserveTimestamps: true });
  tell(`builds the modules for ${release}`);
  // No type information for BPF: it would need pahole.
  await run('make', ['-C', headers, `M=${folder}`, 'CONFIG_DEBUG_INFO_BTF_MODULES=', 'modules']);
  return files(folder);
}

/** Gives the modules of some files, and of the distribution's what guest tests may load. */
export async function collectModules(
  system: string,
  own: readonly string[],
): Promise<KernelModule[]> {
  const known = new Map((await files(system)).map((path) => [moduleName(path), path]));
  const chosen = new Map<string, KernelModule>();
  const add = async (name: string, path: string | undefined): Promise<void> => {
    if (path === undefined) throw new Error(`the kernel has no module ${name}`);
    if (chosen.has(name)) return;
    const content = path.endsWith('.xz') ? await run('xz', ['-dc', path]) : await readFile(path);
    const depends = dependsOf(content);
    chosen.set(name, { name, content, depends });
    for (const needed of depends) await add(needed, known.get(needed));
  };
  for (const path of own) await add(moduleName(path), path);
  for (const name of DISTRIBUTED) await add(name, known.get(name));
  return [...chosen.values()];
}

/** What a module says of itself: `depends=a,b` in its section of strings that end with a zero. */
function dependsOf(content: Buffer): string[] {
  const start = content.indexOf('\0depends=') + '\0depends='.length;
  const list = content.toString('latin1', start, content.indexOf(0, start));
  return list
    .split(',')
    .filter((name) => name !== '')
    .map((name) => name.replaceAll('-', '_'));
}

function moduleName(path: string): string {
  return basename(path)
    .replace(/\.ko(?:\.xz)?$/, '')
    .replaceAll('-', '_');
}

async function files(folder: string): Promise<string[]> {
  const names = await readdir(folder, { recursive: true });
  return names.filter((name) => /\.ko(?:\.xz)?$/.test(name)).map((name) => join(folder, name));
}
