import { StoreError } from '../../base/errors.ts';
import { steadyMs } from '../../base/timers.ts';

const quietMs = 60_000;

/**
 * What fails beside a commit, where nobody waits for it and nothing is lost by it: told as a warning of the process
 * (`process.on('warning')`, code LODEMAP_BESIDE), the same not more than once a minute.
 */
export class Worries {
  readonly #toldAt = new Map<string, number>();

  warn(what: string, error: unknown): void {
    const now = steadyMs();
    if (now - (this.#toldAt.get(what) ?? -Infinity) < quietMs) return;
    this.#toldAt.set(what, now);
    const why = error instanceof StoreError ? `${error.code}: ${error.message}` : String(error);
    process.emitWarning(`Lodemap: ${what}, and will be tried again (${why})`, { type: 'LodemapWarning', code: 'LODEMAP_BESIDE' });
  }
}
