/** The peer that cannot be beaten easily: a plain `Map` of plain values, made anew in every process. */
import type { Driver, Key, Store } from '../driver.ts';

const stores = new Map<string, Map<Key, unknown>>();

export const driver: Driver = {
  async open(folder): Promise<Store> {
    const map = stores.get(folder) ?? new Map<Key, unknown>();
    stores.set(folder, map);
    return {
      get: (key) => map.get(key),
      values: () => map.values(),
      async load(entries) {
        for (const [key, value] of entries) map.set(key, value);
      },
      async commit(key, value) {
        map.set(key, value);
      },
      async close() {},
    };
  },
};
