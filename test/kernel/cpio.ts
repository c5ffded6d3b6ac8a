import { closeSync, openSync, writeSync } from 'node:fs';

const DIRECTORY = 0o040755;
const EXECUTABLE = 0o100755;
const LINK = 0o120777;

/**
 * Writes a cpio archive in the "newc" format, the one that Linux takes for an initial root. Not
 * compressed: to unpack it in an emulator takes longer than to read it.
 */
export class CpioWriter {
  readonly #fd: number;
  readonly #known = new Set<string>(['.', '/']);
  #inode = 0;

  constructor(path: string) {
    this.#fd = openSync(path, 'w');
  }

  /** Adds a file with the folders above it; the first of a name stays. */
  file(path: string, content: Uint8Array): void {
    this.#add(path, EXECUTABLE, content);
  }

  link(path: string, target: string): void {
    this.#add(path, LINK, Buffer.from(target));
  }

  folder(path: string): void {
    this.#add(path, DIRECTORY, Buffer.alloc(0));
  }

  close(): void {
    this.#entry('TRAILER!!!', 0, Buffer.alloc(0));
    closeSync(this.#fd);
  }

  #add(path: string, mode: number, content: Uint8Array): void {
    if (this.#known.has(path)) return;
    this.#known.add(path);
    const above = path.slice(0, path.lastIndexOf('/'));
    if (above !== '') this.folder(above);
    this.#entry(path.replace(/^\//, ''), mode, content);
  }

  #entry(name: string, mode: number, content: Uint8Array): void {
    const fields = [
      ++this.#inode,
      mode,
      0,
      0,
      1,
      0,
      content.length,
      0,
      0,
      0,
      0,
      name.length + 1,
      0,
    ];
    const hex = fields.map((field) => field.toString(16).padStart(8, '0')).join('');
    this.#padded(Buffer.from(`070701${hex}${name}\0`));
    this.#padded(content);
  }

  #padded(bytes: Uint8Array): void {
    writeSync(this.#fd, bytes);
    writeSync(this.#fd, Buffer.alloc(-bytes.length & 3));
  }
}
