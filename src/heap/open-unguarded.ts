/**
 * Opening a store to read where nothing may be written: on a read-only disk, in an image, of another user, on a full disk.
 *
 * No lock is taken, for a lock file would have to be written to, and nobody is kept from anything. So what is read is one state, the last one found
 * whole when the store was opened, for as long as it is open: sealed segments never change, the last one only behind what was read, and
 * the index is this process's own (`rows/scratch-home.ts`). What a vacuum takes away meanwhile, and this process had not opened, is
 * NOT_FOUND; no other answer is ever wrong.
 */
import { isStoreError } from '../base/errors.ts';
import { delay } from '../base/timers.ts';
import type { FileStorage } from '../storage/file-storage.ts';
import { OverlayStorage } from '../storage/overlay-storage.ts';
import { formatName } from './format.ts';
import { SoleLocks } from './log/commit-lock.ts';
import { openHeap } from './open-heap.ts';
import type { OpenHeapOptions, OpenedHeap } from './open-heap.ts';
import { ScratchHome } from './rows/scratch-home.ts';

/** Whoever writes while the log is looked at can make it seem damaged: so often it is looked at again. */
const attemptsMax = 5;
const pauseMs = 50;

/** `tmpdir` is where the index goes. Throws what opening throws; */
export async function openUnguarded(storage: FileStorage, options: OpenHeapOptions, tmpdir: string): Promise<OpenedHeap> {
  // Held open, so that no other file gets its identity.
  const format = storage.open(formatName, 'read');
  try {
    storage.folder.keep(formatName, storage.identity(formatName));
    const opened = await tryToOpen(storage, options, tmpdir);
    return {
      heap: opened.heap,
      recovery: undefined,
      close: async () => {
        try {
          await opened.close();
        } finally {
          format.close();
        }
      },
    };
  } catch (error) {
    format.close();
    throw error;
  }
}

async function tryToOpen(storage: FileStorage, options: OpenHeapOptions, tmpdir: string): Promise<OpenedHeap> {
  for (let attempt = 1; ; attempt++) {
    try {
      const overlay = new OverlayStorage(storage, ['locks', 'vacuum']);
      return await openHeap({ storage: overlay, home: new ScratchHome(storage, tmpdir), locks: new SoleLocks() }, options);
    } catch (error) {
      if (attempt >= attemptsMax || !isStoreError(error, 'CORRUPT', 'NOT_FOUND')) throw error;
      await delay(pauseMs);
    }
  }
}
