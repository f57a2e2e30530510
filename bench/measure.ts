/** Instruments: clock, disk, memory. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Nanoseconds that `work` takes. */
export function timed(work: () => void): number {
  const from = performance.now();
  work();
  return (performance.now() - from) * 1e6;
}

/** Nanoseconds until the promise of `work` resolves. */
export async function timedAsync(work: () => Promise<unknown>): Promise<number> {
  const from = performance.now();
  await work();
  return (performance.now() - from) * 1e6;
}

/** The median of `values`; of an even number, the mean of the middle two. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}

/** Bytes that the files under `folder` occupy on disk: what is allocated, without the slack of a file's last block. */
export function bytesOnDisk(folder: string): number {
  let bytes = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    bytes += entry.isDirectory() ? bytesOnDisk(path) : fileBytes(path);
  }
  return bytes;
}

function fileBytes(path: string): number {
  const { size, blocks } = statSync(path);
  return Math.min(size, blocks * 512);
}

/** Bytes this process has asked the kernel to read so far (Linux; elsewhere 0). Memory maps are not counted. */
export function bytesAsked(): number {
  return numberIn('/proc/self/io', 'rchar');
}

/**
 * Resident memory of this process in bytes. `highWater` (VmHWM) is the figure to trust: `maxRss` starts at what the
 * parent process held when it spawned this one. `anonymous` and `files` are of now; mapped pages of files are the
 * operating system's to take back.
 */
export function memory(): { highWater: number; maxRss: number; anonymous: number; files: number } {
  const maxRss = process.resourceUsage().maxRSS * 1024;
  const kilobytes = (name: string): number => numberIn('/proc/self/status', name) * 1024;
  return { highWater: kilobytes('VmHWM') || maxRss, maxRss, anonymous: kilobytes('RssAnon'), files: kilobytes('RssFile') };
}

function numberIn(file: string, name: string): number {
  if (process.platform !== 'linux') return 0;
  const match = new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(readFileSync(file, 'utf8'));
  return match === null ? 0 : Number(match[1]);
}
