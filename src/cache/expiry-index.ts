/**
 * Which entries end when: rows in order of time, each with the keys of entries that end by then. Finding what has expired reads
 * the first rows, never the entries.
 *
 * Keys are gathered in memory and written together, a row for each stretch of time: that is some bytes an entry rather
 * than a row, and a key that is set again and again within a second is noted once. Nothing is taken out when an entry is
 * replaced: who comes to a key asks its entry whether it has ended. What a crash loses are notes of entries that were just
 * set; those entries are never shown once they have ended, and go when the sweeper or eviction comes by.
 */
import type { Key } from '../codec/key/keys.ts';
import { isNode } from '../tree/node.ts';
import type { Store } from '../map/store.ts';
import { unlessDamaged } from './damage.ts';
import { RowKind } from './rows.ts';
import type { Rows } from './rows.ts';

/** Keys in one row at most, and in memory. */
const keysPerRow = 256;
const pendingMax = 8192;
/** A row stands for a stretch of time about this part of the lifetimes of its entries, in ms from 16 to 2^22 (70 minutes). */
const stretchShare = 1 / 32;
const stretchBits = { least: 4, most: 22 };

/** A row that is due. */
export interface DueRow {
  readonly rowKey: Key;
  readonly keys: readonly Key[];
}

export class ExpiryIndex {
  readonly #store: Store;
  readonly #rows: Rows;
  /** By time, then by name. */
  readonly #pending = new Map<number, Map<Key, Key>>();
  #count = 0;

  constructor(store: Store, rows: Rows) {
    this.#store = store;
    this.#rows = rows;
  }

  get pending(): number {
    return this.#count;
  }

  /** Notes that the entry of a key ends at `ends`. */
  note(name: Key, key: Key, { ends, now }: { ends: number; now: number }): void {
    const stretch = stretchOf(ends - now);
    const time = Math.ceil(ends / stretch) * stretch;
    let keys = this.#pending.get(time);
    if (keys === undefined) this.#pending.set(time, (keys = new Map()));
    const before = keys.size;
    keys.set(name, key);
    this.#count += keys.size - before;
    if (this.#count >= pendingMax) this.flush();
  }

  /** Writes what was noted. */
  flush(): void {
    if (this.#count === 0) return;
    const pending = [...this.#pending];
    this.#pending.clear();
    this.#count = 0;
    this.#rows.change(() => {
      for (const [time, keys] of pending) {
        const all = [...keys.values()];
        for (let at = 0; at < all.length; at += keysPerRow) {
          this.#rows.put([RowKind.expiry, time, Math.random()], all.slice(at, at + keysPerRow));
        }
      }
    });
  }

  forget(): void {
    this.#pending.clear();
    this.#count = 0;
  }

  /** The first rows whose time has come. */
  due(now: number, limit: number): DueRow[] {
    const { nodes } = this.#store;
    const keysIn = (rowKey: Key): readonly Key[] => {
      const value = this.#rows.get(rowKey);
      return isNode(value) ? (nodes.materialize(value) as Key[]) : [];
    };
    // Of a row that is damaged nothing is known; the hand finds its entries.
    return this.#rows.list(RowKind.expiry, { upTo: now, limit }).map((rowKey) => ({ rowKey, keys: unlessDamaged(() => keysIn(rowKey)) ?? [] }));
  }
}

function stretchOf(lifetime: number): number {
  const bits = Math.floor(Math.log2(Math.max(1, lifetime * stretchShare)));
  return 2 ** Math.min(stretchBits.most, Math.max(stretchBits.least, bits));
}
