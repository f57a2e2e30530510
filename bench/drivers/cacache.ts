/** cacache: a file for each content and each key. It knows no expiry: the time lies in the metadata. */
import { importPeer } from '../driver.ts';
import type { Driver } from '../driver.ts';

interface Cacache {
  get(folder: string, key: string): Promise<{ data: Buffer; metadata: { until: number } }>;
  put(folder: string, key: string, data: string, options: { metadata: object }): Promise<unknown>;
}

const loaded = await importPeer<Cacache & { default?: Cacache }>('cacache');
const cacache = loaded.default ?? loaded;

export const driver: Driver = {
  async openCache(folder, { ttl }) {
    return {
      async get(key) {
        try {
          const { data, metadata } = await cacache.get(folder, key);
          return Date.now() < metadata.until ? JSON.parse(data.toString()) : undefined;
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
          throw error;
        }
      },
      set: (key, value) => cacache.put(folder, key, JSON.stringify(value), { metadata: { until: Date.now() + ttl } }),
      async close() {},
    };
  },
};
