import { readFileSync } from 'node:fs';

/**
 * What stays the same exactly as long as the operating system has not been started anew: while it does, everything any
 * process has written is still in the page cache, synced or not. Undefined where the system does not tell.
 */
export function bootId(): string | undefined {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
  } catch {
    return undefined;
  }
}
