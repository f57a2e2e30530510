import { createRequire } from 'node:module';
import { StoreError } from '../base/errors.ts';
import { here } from '../base/own-file.ts';

const require = createRequire(here);

/**
 * Loads a dependency when it is first needed: a missing binary becomes an error of the call that needed it rather than of
 * every import of this library, and what changes the process by being loaded (proper-lockfile's dependencies replace
 * `fs.close` and listen for signals) stays out of processes that never use it. Throws StoreError UNSUPPORTED.
 */
export function loadPackage(name: string, purpose: string): unknown {
  try {
    return require(name);
  } catch (error) {
    const platform = `${process.platform}-${process.arch}`;
    throw new StoreError('UNSUPPORTED', `${purpose} need the package ${name}, which does not load on ${platform}`, {
      cause: error,
    });
  }
}

/** As `loadPackage`, of a package or a file in one; undefined when there is none that loads. */
export function tryLoadPackage(name: string): unknown {
  try {
    return require(name);
  } catch {
    return undefined;
  }
}
