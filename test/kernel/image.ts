import { readdirSync, readFileSync, existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { run } from './command.ts';
import { CpioWriter } from './cpio.ts';
import type { GuestTest } from './guest/list.ts';
import type { KernelModule } from './modules.ts';
import { packageRoot } from '../package-root.ts';

/** Where the project lies in the guest. */
const PROJECT = '/project';

/** Holds what goes into the guest beside the project and this process's own Node. */
export interface ImageParts {
  readonly release: string;
  readonly busybox: string;
  readonly modules: readonly KernelModule[];
  readonly tests: readonly GuestTest[];
}

/** Writes the guest's whole file system: an archive that the kernel unpacks into memory. */
export async function writeImage(path: string, parts: ImageParts): Promise<void> {
  const archive = new CpioWriter(path);
  for (const folder of ['/dev', '/proc', '/sys', '/tmp', '/root']) archive.folder(folder);
  archive.file('/bin/busybox', readFileSync(parts.busybox));
  archive.link('/bin/sh', 'busybox');
  archive.file('/init', readFileSync(join(packageRoot, 'test/kernel/guest/init.sh')));
  const lines = parts.tests.map(({ file, seconds }) => `${seconds} ${file}\n`);
  archive.file('/tests', Buffer.from(lines.join('')));
  await addProgram(archive, '/bin/node', process.execPath);
  await addProgram(archive, '/sbin/dmsetup', '/usr/sbin/dmsetup');
  addModules(archive, parts);
  addProject(archive);
  archive.close();
}

/** Adds a program and the shared libraries that it names, where it looks for them. */
async function addProgram(archive: CpioWriter, path: string, from: string): Promise<void> {
  archive.file(path, readFileSync(from));
  const libraries = (await run('ldd', [from])).toString();
  for (const [, library] of libraries.matchAll(/(\/\S+) \(0x/g)) {
    archive.file(library!, readFileSync(library!));
  }
}

/** Adds the modules as `modprobe` wants them. */
function addModules(archive: CpioWriter, { release, modules }: ImageParts): void {
  const folder = `/lib/modules/${release}`;
  for (const { name, content } of modules) archive.file(`${folder}/${name}.ko`, content);
  const lines = modules.map(({ name }) => {
    const needed = [...closure(name, modules)].map((other) => ` ${other}.ko`);
    return `${name}.ko:${needed.join('')}\n`;
  });
  archive.file(`${folder}/modules.dep`, Buffer.from(lines.join('')));
}

/** The names of all that a module needs, the nearest first. */
function closure(name: string, modules: readonly KernelModule[]): Set<string> {
  const found = new Set<string>();
  const visit = (each: string): void => {
    for (const needed of modules.find((module) => module.name === each)?.depends ?? []) {
      found.delete(needed);
      found.add(needed);
      visit(needed);
    }
  };
  visit(name);
  return found;
}

/** Adds the compiled project and the packages that it needs to run. */
function addProject(archive: CpioWriter): void {
  const add = (path: string): void =>
    archive.file(join(PROJECT, relative(packageRoot, path)), readFileSync(path));
  add(join(packageRoot, 'package.json'));
  for (const path of filesUnder(join(packageRoot, 'dist'), /\.js(?:\.map)?$/)) add(path);
  for (const folder of productionPackages()) for (const path of filesUnder(folder, /./)) add(path);
}

/** The folders of the packages that the project needs at run time, and of those that they need. */
function productionPackages(): Set<string> {
  const found = new Set<string>();
  const visit = (folder: string): void => {
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
      readonly [kind: string]: Readonly<Record<string, string>> | undefined;
    };
    const { dependencies, optionalDependencies } = manifest;
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      const needed = join(packageRoot, 'node_modules', name);
      if (!existsSync(needed) || found.has(needed)) continue; // optional, for another platform
      found.add(needed);
      visit(needed);
    }
  };
  visit(packageRoot);
  return found;
}

function filesUnder(folder: string, pattern: RegExp): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && pattern.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
}
