/**
 * Descriptors are few on some systems (`ulimit -n 64`), and the process has other uses for them. Files that are kept open only to be fast are
 * given back when somebody gets none.
 */

/** Gives some back; false when there is none to give. */
export type Keeper = () => boolean;

const keepers = new Set<Keeper>();

/** From now on `keeper` is asked when descriptors run out, until what is returned is called. */
export function keepDescriptors(keeper: Keeper): () => void {
  keepers.add(keeper);
  return () => void keepers.delete(keeper);
}

/** What `call` returns. While there are no descriptors for it, those that can be spared are given back. */
export function withDescriptor<T>(call: () => T): T {
  for (;;) {
    try {
      return call();
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'EMFILE' && code !== 'ENFILE') throw error;
      let given = 0;
      for (const keeper of keepers) if (keeper()) given++;
      if (given === 0) throw error;
    }
  }
}
