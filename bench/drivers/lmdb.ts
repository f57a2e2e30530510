/**
 * lmdb-js with its default options. Variant `shared` keeps the structures of records apart (`sharedStructuresKey`),
 * its documented way to make values smaller and faster.
 */
import { importPeer } from '../driver.ts';
import type { Driver, Key, Store } from '../driver.ts';

interface Database {
  get(key: Key): unknown;
  put(key: Key, value: unknown): Promise<boolean>;
  getCount(): number;
  getRange(): Iterable<{ value: unknown }>;
  transaction(action: () => void): Promise<unknown>;
  transactionSync(action: () => void): void;
  readonly flushed: PromiseLike<unknown>;
  close(): Promise<void>;
}

const { open } = await importPeer<{ open(options: object): Database }>('lmdb');

export const driver: Driver = {
  async open(folder, { variant }): Promise<Store> {
    const shared = variant === 'shared' ? { sharedStructuresKey: Symbol.for('structures') } : {};
    const db = open({ path: folder, ...shared });
    return new LmdbStore(db);
  },
  /** As people make a cache of it: the time of expiry beside the value. Nothing is ever removed. */
  async openCache(folder, { ttl }) {
    const db = open({ path: folder });
    return {
      get(key) {
        const found = db.get(key) as { until: number; value: unknown } | undefined;
        return found !== undefined && Date.now() < found.until ? found.value : undefined;
      },
      set: (key, value) => db.put(key, { until: Date.now() + ttl, value }),
      close: () => db.close(),
    };
  },
};

class LmdbStore implements Store {
  readonly #db: Database;
  #rows: number;

  constructor(db: Database) {
    this.#db = db;
    this.#rows = db.getCount();
  }

  get(key: Key): unknown {
    return this.#db.get(key);
  }

  *values(): Generator<unknown> {
    for (const { value } of this.#db.getRange()) yield value;
  }

  async load(entries: Iterable<readonly [Key, unknown]>): Promise<void> {
    await this.#db.transaction(() => {
      for (const [key, value] of entries) void this.#db.put(key, value);
    });
    await this.#db.flushed;
  }

  async commit(key: Key, value: unknown): Promise<void> {
    void this.#db.put(key, value);
    await this.#db.flushed;
  }

  async startList(items: readonly unknown[]): Promise<void> {
    await this.load(items.map((item, index) => [index, item] as const));
  }

  push(items: readonly unknown[]): void {
    this.#db.transactionSync(() => {
      for (const item of items) void this.#db.put(this.#rows++, item);
    });
  }

  listLength(): number {
    return this.#db.getCount();
  }

  async flush(): Promise<void> {
    await this.#db.flushed;
  }

  close(): Promise<void> {
    return this.#db.close();
  }
}
