import { mkdir, open, readdir, readFile, rename, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { Patch } from './image.ts';
import type { StorageWork } from './log-table.ts';
import { ConnectorError } from '../../core/errors.ts';

/** A file of a log. */
export interface StoredImage {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Where a server keeps its logs. */
export interface LogStore {
  /** Names this boot of the machine: what is not durable is lost between two of them. */
  readonly boot: string;
  /** The files as they were stored. */
  readonly images: readonly StoredImage[];
  /** Does the work; rejects if it cannot be done. One at a time for each uuid. */
  store(work: StorageWork): Promise<void>;
  close(): Promise<void>;
}

const BOOT_ID = '/proc/sys/kernel/random/boot_id';
const ENDING = '.log';
const UNFINISHED = '.new';

/**
 * Opens a folder with one file for each mirror, and makes it if need be. The folder must not lie
 * on a mirror that it is the log of, and one process at a time may use it. Rejects with the
 * system's own error.
 */
export async function openLogDirectory(path: string): Promise<LogStore> {
  await mkdir(path, { recursive: true });
  const boot = (await readFile(BOOT_ID, 'latin1')).trim();
  const images: StoredImage[] = [];
  for (const name of await readdir(path)) {
    if (name.endsWith(UNFINISHED)) await rm(join(path, name));
    else if (name.endsWith(ENDING)) images.push({ name, bytes: await readFile(join(path, name)) });
  }
  return new LogDirectory(path, boot, images);
}

class LogDirectory implements LogStore {
  readonly boot: string;
  readonly images: readonly StoredImage[];
  readonly #path: string;
  readonly #files = new Map<string, FileHandle>();

  constructor(path: string, boot: string, images: readonly StoredImage[]) {
    this.#path = path;
    this.boot = boot;
    this.images = images;
  }

  async store({ uuid, image, patches, durable }: StorageWork): Promise<void> {
    if (image !== undefined) return this.#replace(uuid, image);
    let file = this.#files.get(uuid);
    if (file === undefined) {
      file = await open(join(this.#path, fileName(uuid)), 'r+');
      this.#files.set(uuid, file);
    }
    for (const patch of patches) await writeAll(file, patch);
    // What is written outlives this process, what is flushed the machine.
    if (durable) await file.datasync();
  }

  async close(): Promise<void> {
    const files = [...this.#files.values()];
    this.#files.clear();
    await Promise.all(files.map((file) => file.close()));
  }

  /** Writes a file under another name and then renames it: there is an old one or a new one. */
  async #replace(uuid: string, image: Uint8Array): Promise<void> {
    const path = join(this.#path, fileName(uuid));
    const file = await open(path + UNFINISHED, 'w+');
    try {
      await writeAll(file, { offset: 0, bytes: image });
      await file.sync();
      await rename(path + UNFINISHED, path);
      await this.#syncFolder();
    } catch (error) {
      await file.close();
      throw error;
    }
    await this.#files.get(uuid)?.close();
    this.#files.set(uuid, file);
  }

  async #syncFolder(): Promise<void> {
    const folder = await open(this.#path, 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }
}

async function writeAll(file: FileHandle, { offset, bytes }: Patch): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, offset + done);
    done += bytesWritten;
  }
}

/** Gives each uuid a name of its own, with nothing in it that means something in a path. */
function fileName(uuid: string): string {
  const safe = uuid.replace(
    /[^A-Za-z0-9_-]/g,
    (character) => `%${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
  // A name has 255 bytes at most; nobody's uuid comes near.
  if (safe.length > 240) throw new ConnectorError('invalid-argument', `no file for "${uuid}"`);
  return safe + ENDING;
}
