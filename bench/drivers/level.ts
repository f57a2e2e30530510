/** classic-level (LevelDB) with keys as padded strings and values as JSON. */
import { importPeer } from '../driver.ts';
import type { Driver, Key, Store } from '../driver.ts';

interface Put {
  readonly type: 'put';
  readonly key: string;
  readonly value: unknown;
}

interface Database {
  open(): Promise<void>;
  getSync(key: string): unknown;
  put(key: string, value: unknown, options: { sync: boolean }): Promise<void>;
  batch(operations: readonly Put[], options: { sync: boolean }): Promise<void>;
  values(): { all(): Promise<unknown[]> };
  close(): Promise<void>;
}

const { ClassicLevel } = await importPeer<{ ClassicLevel: new (path: string, options: object) => Database }>('classic-level');

/** Larger batches are slower: LevelDB copies a batch as a whole. */
const batchItems = 1_000;

const name = (key: Key): string => (typeof key === 'number' ? String(key).padStart(10, '0') : key);

export const driver: Driver = {
  async open(folder): Promise<Store> {
    const db = new ClassicLevel(folder, { valueEncoding: 'json' });
    await db.open();
    return {
      get: (key) => db.getSync(name(key)),
      values() {
        throw new Error('classic-level iterates asynchronously only');
      },
      async load(entries) {
        let batch: Put[] = [];
        for (const [key, value] of entries) {
          if (batch.push({ type: 'put', key: name(key), value }) < batchItems) continue;
          await db.batch(batch, { sync: false });
          batch = [];
        }
        await db.batch(batch, { sync: true });
      },
      commit: (key, value) => db.put(name(key), value, { sync: true }),
      close: () => db.close(),
    };
  },
};
