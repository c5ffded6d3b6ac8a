import { readFile, writeFile } from 'node:fs/promises';
import { run } from './command.ts';

/** Offsets in the boot header of a bzImage (the x86 boot protocol). */
const SETUP_SECTORS = 0x1f1;
const PAYLOAD_OFFSET = 0x248;
const PAYLOAD_LENGTH = 0x24c;
const SECTOR = 512;
/** What the payload begins with, by how it is compressed. */
const XZ = 'fd377a58';
const ZSTD = '28b52ffd';

/**
 * Writes the ELF file inside a distribution's vmlinuz. An emulator that starts it directly saves
 * the 7 s that the kernel takes to unpack itself there.
 */
export async function extractVmlinux(vmlinuz: string, into: string): Promise<void> {
  const image = await readFile(vmlinuz);
  const start = (image[SETUP_SECTORS]! + 1) * SECTOR + image.readUInt32LE(PAYLOAD_OFFSET);
  // The last 4 bytes are the unpacked length, for the kernel's own use.
  const end = start + image.readUInt32LE(PAYLOAD_LENGTH) - 4;
  const packed = `${into}.packed`;
  await writeFile(packed, image.subarray(start, end));
  const magic = image.toString('hex', start, start + 4);
  if (magic !== XZ && magic !== ZSTD) throw new Error(`${vmlinuz}: packed in an unknown way`);
  await writeFile(into, await run(magic === XZ ? 'xz' : 'zstd', ['-dc', packed]));
}
