/** A store for one test, and what to expect of its errors. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { StoreError, open } from '../../src/index.ts';
import type { LodeMap } from '../../src/index.ts';
import { scratch } from './scratch.ts';

export type Store = LodeMap<any, any>; // eslint-disable-line typescript/no-explicit-any -- tests set whatever they like

/** Opens a new store, which is closed when the test is over. */
export async function fresh(t: TestContext, options: object = {}): Promise<Store> {
  const map = (await open(join(scratch(), 'store'), options)) as Store;
  t.after(() => map.close());
  return map;
}

/** For `assert.throws`: a StoreError with this code. */
export function code(expected: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof StoreError, `expected a StoreError ${expected}, got ${String(error)}`);
    assert.equal(error.code, expected);
    return true;
  };
}
