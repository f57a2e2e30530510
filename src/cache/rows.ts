/**
 * How a cache lies in its map: entries under their own keys, everything else under tuples that begin with a number. A user's
 * tuple is wrapped, so no key of a user's can meet a row of the cache's.
 *
 * | key | value |
 * |---|---|
 * | `key`; `[0, key]` for a tuple | an envelope (envelope.ts) |
 * | `[1, time, number]` | keys whose entries end by that time (expiry-index.ts) |
 * | `[2, tag]` | what entries of the tag must bear (tags.ts) |
 * | `[3, key]` | who computes the entry (claims.ts) |
 * | `[4, name]` | `format`, `rows`: how many rows are not entries, `clock` (cache-clock.ts), `live` (space.ts) |
 */
import { decodeKey, encodeKey } from '../codec/key/keys.ts';
import type { Key } from '../codec/key/keys.ts';
import { scanEntries } from '../heap/rows/entry-table.ts';
import { scanOf } from '../map/rows/range.ts';
import type { Store } from '../map/store.ts';

/** The first number of a tuple of the cache's. */
export const RowKind = { entry: 0, expiry: 1, tag: 2, claim: 3, state: 4 } as const;

/** Where the entry of a user's key lies. */
export function rowKeyOf(key: Key): Key {
  return Array.isArray(key) ? [RowKind.entry, key as Key] : key;
}

/** The user's key of an entry's row. */
export function userKeyOf(rowKey: Key): Key {
  return Array.isArray(rowKey) ? (rowKey[1] as Key) : rowKey;
}

const mark = '\u0000';

/** A key in a form that a Map compares as a store does. Strings that begin with the mark could be mistaken: they get another. */
export function nameOf(key: Key): Key {
  if (typeof key === 'object' && key !== null) return `${mark}k${Buffer.from(encodeKey(key)).toString('latin1')}`;
  return typeof key === 'string' && key.charCodeAt(0) === 0 ? `${mark}s${key}` : key;
}

/**
 * Rows of a store that are no entries, with their number kept exact: what changes them runs under the commit lock, and
 * the count is committed with it.
 */
export class Rows {
  readonly #store: Store;
  #added = 0;
  #changing = false;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Reads and changes rows as one atomic step; entries too. Inside another change it is part of that. */
  change<T>(fn: () => T): T {
    if (this.#changing) return fn();
    this.#added = 0;
    this.#changing = true;
    try {
      return this.#store.transact(fn, () => {
        if (this.#added !== 0) this.#writeCount(this.count() + this.#added);
      });
    } finally {
      this.#changing = false;
    }
  }

  /** What a row holds: a plain value, or a node where it is a container. Undefined when there is none. */
  get(key: Key): unknown {
    return this.#store.find(key)?.value;
  }

  /** Inside a change. */
  put(key: Key, value: unknown): void {
    if (!this.#store.has(key)) this.#added++;
    this.#store.put(key, this.#store.nodes.encode(value));
  }

  /** Inside a change. */
  drop(key: Key): void {
    if (!this.#store.has(key)) return;
    this.#added--;
    this.#store.put(key, undefined);
  }

  /** Keys of the first committed rows of a kind, behind the row `after`; `upTo`: those whose second element is less. */
  list(kind: number, { after = [kind], upTo, limit }: { after?: Key | undefined; upTo?: number; limit: number }): Key[] {
    this.#store.enter();
    const { bounds } = scanOf<Key>({ gt: after, ...(upTo === undefined ? { lt: [kind + 1] } : { lt: [kind, upTo] }) });
    return scanEntries(this.#store.heap, { ...bounds, limit }).map(([keyBytes]) => decodeKey(keyBytes));
  }

  /** How many there are, the one that holds the count included. */
  count(): number {
    const count = this.get(countKey);
    return typeof count === 'number' ? count : 0;
  }

  #writeCount(count: number): void {
    const isNew = !this.#store.has(countKey);
    this.#store.put(countKey, this.#store.nodes.encode(count + (isNew ? 1 : 0)));
  }
}

const countKey: Key = [RowKind.state, 'rows'];
