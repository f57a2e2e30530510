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
    throw new StoreError('UNSUPPORTED', `${purpose} need the package ${name}, which does not load ${whereNot(error)}`, { cause: error });
  }
}

/** Where something does not load: Node has options that keep packages from it, or the platform has no binary. */
function whereNot(error: unknown): string {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (at instanceof EvalError) return 'where code can not be made of strings (node --disallow-code-generation-from-strings)';
    if ((at as NodeJS.ErrnoException).code === 'ERR_DLOPEN_DISABLED') {
      return 'where native addons are off (node --no-addons, or --permission without --allow-addons)';
    }
  }
  return `on ${process.platform}-${process.arch}`;
}

/**
 * As `loadPackage`, of one whose dependency signal-exit would listen for signals from then on. A process that listens is not ended by a
 * signal while its thread is busy, and nobody asked for that. Where the application itself uses signal-exit nothing changes.
 */
export function loadQuietly(name: string, purpose: string): unknown {
  const before = process.listenerCount('SIGTERM');
  const loaded = loadPackage(name, purpose);
  if (process.listenerCount('SIGTERM') === before) return loaded;
  try {
    (createRequire(require.resolve(name))('signal-exit') as { unload?(): void }).unload?.();
  } catch {
    // It lies in a bundle: there is no module to ask.
  }
  return loaded;
}

/** As `loadPackage`, of a package or a file in one; undefined when there is none that loads. */
export function tryLoadPackage(name: string): unknown {
  try {
    return require(name);
  } catch {
    return undefined;
  }
}
