/** Calls of the system that Node does not have: locks on bytes of a file, and holes. The one door to `fs-native-extensions`. */
import { loadPackage, tryLoadPackage } from './load-package.ts';

/** What is used of the package, which has no types. */
export interface KernelCalls {
  tryLock(fd: number, offset: number, length: number, options: { shared: boolean }): boolean;
  unlock(fd: number, offset: number, length: number): void;
  /** Gives a stretch of a file back to the file system; it reads as zeros from then on. The file's size stays. */
  trimSync(fd: number, offset: number, length: number): void;
}

/** The same of its binary, whose lock throws EAGAIN when somebody is in the way. */
type KernelBinding = Omit<KernelCalls, 'tryLock'> & {
  tryLock(fd: number, offset: number, length: number, exclusive: boolean): void;
};

let loaded: KernelCalls | undefined;

/** Loads them once. Throws UNSUPPORTED where the platform has none; `purpose` is for its message. */
export function kernelCalls(purpose: string): KernelCalls {
  loaded ??= load(purpose);
  return loaded;
}

/**
 * The binary itself where it lies as expected: what the package runs to find it costs each process 12 ms and 4 MB, most of an open.
 * Anywhere else the package, by its own ways.
 */
function load(purpose: string): KernelCalls {
  const binary = `fs-native-extensions/prebuilds/${process.platform}-${process.arch}/fs-native-extensions.node`;
  const binding = tryLoadPackage(binary) as Partial<KernelBinding> | undefined;
  if (typeof binding?.tryLock !== 'function' || typeof binding.unlock !== 'function' || typeof binding.trimSync !== 'function') {
    return loadPackage('fs-native-extensions', purpose) as KernelCalls;
  }
  const { tryLock, unlock, trimSync } = binding as KernelBinding;
  return {
    tryLock(fd, offset, length, { shared }) {
      try {
        tryLock(fd, offset, length, !shared);
        return true;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return false;
        throw error;
      }
    },
    unlock,
    trimSync,
  };
}
