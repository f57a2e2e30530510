/** Keyv with its file adapter: the whole file in memory, written anew now and then. */
import { join } from 'node:path';
import { importPeer } from '../driver.ts';
import type { Driver } from '../driver.ts';

interface Keyv {
  get(key: string): Promise<unknown>;
  set(key: string, value: unknown, ttl: number): Promise<boolean>;
  disconnect(): Promise<void>;
}

const { Keyv } = await importPeer<{ Keyv: new (options: object) => Keyv }>('keyv');
const file = await importPeer<{ KeyvFile?: unknown; default?: { KeyvFile: unknown } }>('keyv-file');
const KeyvFile = (file.KeyvFile ?? file.default?.KeyvFile) as new (options: object) => object;

export const driver: Driver = {
  async openCache(folder, { ttl }) {
    const keyv = new Keyv({ store: new KeyvFile({ filename: join(folder, 'keyv.json'), writeDelay: 100 }) });
    return { get: (key) => keyv.get(key), set: (key, value) => keyv.set(key, value, ttl), close: () => keyv.disconnect() };
  },
};
