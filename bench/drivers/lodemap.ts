/** Lodemap, by its public surface alone. Variants change what a trial does, never how the store is opened. */
import { openCache } from 'lodemap/cache';
import { open } from 'lodemap';
import type { LodeMap } from 'lodemap';
import type { Driver, Key, OpenOptions, Store } from '../driver.ts';

const listKey = 'list';

export const driver: Driver = {
  async open(folder: string, { cacheBytes }: OpenOptions): Promise<Store> {
    return new LodeMapStore(await open<Key, unknown>(folder, cacheBytes === undefined ? {} : { cacheBytes }));
  },
  openCache: (folder, options) => openCache<string>(folder, options),
};

class LodeMapStore implements Store {
  readonly #map: LodeMap<Key, unknown>;

  constructor(map: LodeMap<Key, unknown>) {
    this.#map = map;
  }

  get(key: Key): unknown {
    return this.#map.get(key);
  }

  values(): Iterable<unknown> {
    return this.#map.values();
  }

  plainValues(): Iterable<unknown> {
    return this.#map.values({ plain: true });
  }

  pick(key: Key, field: string): unknown {
    return this.#map.pick(key, field);
  }

  pickMany(keys: readonly Key[], field: string): readonly unknown[] {
    return this.#map.pickMany(keys, field);
  }

  async load(entries: Iterable<readonly [Key, unknown]>): Promise<void> {
    await this.#map.setMany(entries as Iterable<[Key, unknown]>);
    await this.#map.flush();
  }

  async commit(key: Key, value: unknown): Promise<void> {
    this.#map.set(key, value);
    await this.#map.flush();
  }

  async startList(items: readonly unknown[]): Promise<void> {
    await this.commit(listKey, items);
  }

  push(items: readonly unknown[]): void {
    this.#map.transaction(() => {
      const list = this.#map.get(listKey) as unknown[];
      for (const item of items) list.push(item);
    });
  }

  listLength(): number {
    return (this.#map.get(listKey) as unknown[]).length;
  }

  flush(): Promise<void> {
    return this.#map.flush();
  }

  async remove(keys: readonly Key[]): Promise<void> {
    for (const key of keys) this.#map.delete(key);
    await this.#map.flush();
  }

  vacuum(options: { budgetBytes: number }): Promise<unknown> {
    return this.#map.vacuum(options);
  }

  bytesRead(): number {
    return this.#map.stats().bytesRead;
  }

  close(): Promise<void> {
    return this.#map.close();
  }
}
