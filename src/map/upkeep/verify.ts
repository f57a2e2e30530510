/** Verify of an open store: lends the heap's what it can not know, nodes and keys, and keeps vacuum from replacing files meanwhile. */
import { inspect } from 'node:util';
import { isAbortSignal } from '../../base/brands.ts';
import { describe } from '../../base/errors.ts';
import { decodeKey } from '../../codec/key/keys.ts';
import type { Locks } from '../../heap/log/commit-lock.ts';
import { isBucketKey } from '../../heap/rows/long-keys.ts';
import type { LoggedTable } from '../../heap/log/operations.ts';
import { verifyHeap } from '../../heap/verify/verify.ts';
import type { VerifyOptions, VerifyReport } from '../../heap/verify/verify.ts';
import { checkChunk, checkRowValue } from '../../tree/chunk-check.ts';
import type { Store } from '../store.ts';
import { withoutVacuum } from './without-vacuum.ts';

const budgetBytesMin = 64 * 1024;

const checks: Record<keyof VerifyOptions, (value: unknown) => string | undefined> = {
  budgetBytes: (value) => (typeof value === 'number' && value >= budgetBytesMin ? undefined : `a number from ${budgetBytesMin} on`),
  dropLeftovers: (value) => (typeof value === 'boolean' ? undefined : 'true or false'),
  signal: (value) => (isAbortSignal(value) ? undefined : 'an AbortSignal'),
  onProgress: (value) => (typeof value === 'function' ? undefined : 'a function'),
};

/** See `LodeMap.verify`. */
export async function verifyStore(store: Store, locks: Locks, options: VerifyOptions): Promise<VerifyReport> {
  checkOptions(options);
  const { heap } = store;
  return withoutVacuum(heap.storage, options.signal, async () => {
    await store.commitPendingSoon();
    return verifyHeap(heap, options, { check: checkChunk, checkRow: checkRowValue, nameKey, entryKey, exclusively: (fn) => store.exclusivelySoon(fn), locks });
  });
}

/** `entry 'user:7'`, `cell 12`. */
function nameKey(table: LoggedTable, key: Uint8Array): string {
  if (table === 'cells') return `cell ${key.reduce((id, byte) => id * 256 + byte, 0)}`;
  if (table !== 'entries') return `root ${Buffer.from(key).toString('hex')}`;
  if (isBucketKey(key)) return `the long keys that begin with ${Buffer.from(key.subarray(0, 40)).toString('latin1')}`;
  try {
    return `entry ${inspect(decodeKey(key), { breakLength: Infinity, maxStringLength: 100 })}`;
  } catch {
    return `entry ${Buffer.from(key).toString('hex')}`;
  }
}

function entryKey(key: Uint8Array): unknown {
  try {
    return decodeKey(key);
  } catch {
    return undefined;
  }
}

function checkOptions(options: VerifyOptions): void {
  if (typeof options !== 'object' || options === null) throw new TypeError(`verify expects options, got ${describe(options)}`);
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(checks, name)) {
      throw new TypeError(`verify: unknown option "${name}"; known are ${Object.keys(checks).join(', ')}`);
    }
    const expected = value === undefined ? undefined : checks[name as keyof VerifyOptions](value);
    if (expected === undefined) continue;
    const message = `verify: option "${name}" must be ${expected}, got ${describe(value)}`;
    throw typeof value === 'number' ? new RangeError(message) : new TypeError(message);
  }
}
