/**
 * What the caches of an open store may hold: `cacheBytes`, or a share of it while memory is short (memory/pressure.ts).
 *
 * Chunks always get their share, rows take at most theirs, and decoded nodes what rows leave.
 */
import { unwatchPressure, watchPressure } from '../memory/pressure.ts';
import type { Shrinkable } from '../memory/pressure.ts';
import type { Store } from './store.ts';

const shares = { chunks: 0.2, rows: 0.3 };

export class CacheRoom implements Shrinkable {
  readonly #usualBytes: number;
  #bytes: number;
  #store: Store | undefined;

  constructor(cacheBytes: number) {
    this.#usualBytes = cacheBytes;
    this.#bytes = cacheBytes;
  }

  get forChunks(): number {
    const others = this.#store === undefined ? 0 : this.#store.nodes.cache.bytes + this.#store.rowCacheBytes;
    return Math.max(this.#bytes * shares.chunks, this.#bytes - others);
  }

  get forRows(): number {
    return this.#bytes * shares.rows;
  }

  get forNodes(): number {
    return this.#bytes * (1 - shares.chunks) - (this.#store?.rowCacheBytes ?? 0);
  }

  /** The store whose caches these are; from now on they follow the pressure. */
  watch(store: Store): void {
    this.#store = store;
    watchPressure(this);
  }

  /** Holds at most this share of `cacheBytes`: what goes beyond is given back at once, and what is allowed again fills as it is read. */
  shrink(share: number): void {
    this.#bytes = this.#usualBytes * share;
    this.#store?.fitCaches(this.forRows);
  }

  close(): void {
    unwatchPressure(this);
  }
}
