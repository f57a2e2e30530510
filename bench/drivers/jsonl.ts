/** One file with a line of JSON for every value: what people have before they have a store. It cannot look a key up. */
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Driver, Store } from '../driver.ts';

const blockBytes = 1 << 22;

export const driver: Driver = {
  async open(folder): Promise<Store> {
    await mkdir(folder, { recursive: true });
    const path = join(folder, 'values.jsonl');
    return {
      get() {
        throw new Error('A JSONL file has no look-up by key');
      },
      values: () => parseLines(path),
      async load(entries) {
        const file = openSync(path, 'w');
        for (const [, value] of entries) writeSync(file, `${JSON.stringify(value)}\n`);
        closeSync(file);
      },
      async commit() {
        throw new Error('A JSONL file has no commit');
      },
      async close() {},
    };
  },
};

/** Reads in large blocks and cuts at line ends, because a whole file may be longer than a string can be. */
function* parseLines(path: string): Generator<unknown> {
  const file = openSync(path, 'r');
  try {
    let rest = Buffer.alloc(0);
    const block = Buffer.alloc(blockBytes);
    for (let read = readSync(file, block); read > 0; read = readSync(file, block)) {
      const bytes = Buffer.concat([rest, block.subarray(0, read)]);
      const end = bytes.lastIndexOf(10) + 1;
      rest = bytes.subarray(end);
      for (const line of bytes.toString('utf8', 0, end).split('\n')) if (line !== '') yield JSON.parse(line);
    }
  } finally {
    closeSync(file);
  }
}
