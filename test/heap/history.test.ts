import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { SoleLocks } from '../../src/heap/log/commit-lock.ts';
import { countEntries, entryOperations, readEntry, scanEntries } from '../../src/heap/rows/entry-table.ts';
import type { Heap } from '../../src/heap/heap.ts';
import { MemoryHome } from '../../src/heap/rows/index-home.ts';
import { openHeap } from '../../src/heap/open-heap.ts';
import { dropPin, makePin } from '../../src/heap/rows/pins.ts';
import { decodeRowValue } from '../../src/heap/rows/rows.ts';
import { MemoryStorage } from '../../src/storage/memory-storage.ts';

const locks = new SoleLocks();

async function freshHeap(): Promise<Heap> {
  const storage = new MemoryStorage();
  storage.createFolder('locks');
  const { heap } = await openHeap(
    { storage, home: new MemoryHome(), locks },
    { create: true, openTimeoutMs: 1000, cacheBytes: () => 1 << 20, segmentBytesTarget: 1 << 20 },
  );
  return heap;
}

type Model = Map<string, number>;

/** Long keys share their first 900 bytes, so some meet in a bucket; zero bytes try the escape of history keys. */
const names = ['a', 'a\0', 'a\0\0b', 'b', `${'x'.repeat(900)}`, `${'x'.repeat(900)}a`, `${'x'.repeat(950)}`, `${'x'.repeat(901)}\0`];
const changes = fc.array(fc.tuple(fc.constantFrom(...names), fc.option(fc.nat(50))), { minLength: 1, maxLength: 4 });
const steps = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ set: changes }) },
    { weight: 2, arbitrary: fc.constant('pin' as const) },
    { weight: 1, arbitrary: fc.constant('unpin' as const) },
    { weight: 1, arbitrary: fc.constant('clear' as const) },
  ),
  { maxLength: 30 },
);

function apply(heap: Heap, model: Model, set: ReadonlyArray<readonly [string, number | null]>): void {
  const last = new Map(set);
  const planned = [...last].map(([name, value]) => ({
    keyBytes: Buffer.from(name),
    slot: value === null ? undefined : { bytes: Uint8Array.of(value), links: [] },
  }));
  heap.lock(1000);
  heap.commit(entryOperations(heap, planned, false));
  heap.unlock();
  for (const [name, value] of last) {
    if (value === null) model.delete(name);
    else model.set(name, value);
  }
}

/** What the heap shows, now or at a pin, by look-ups and by scans in both directions. */
function check(heap: Heap, model: Model, pin?: number): void {
  for (const name of names) {
    const entry = readEntry(heap, Buffer.from(name), pin);
    assert.equal(entry && decodeRowValue(entry.bytes, entry.at).bytes[0], model.get(name), `${name.slice(0, 8)} of ${name.length}`);
  }
  const sorted = [...model.keys()].toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  assert.deepEqual(scanAll(heap, false, pin), sorted);
  assert.deepEqual(scanAll(heap, true, pin), sorted.toReversed());
}

function scanAll(heap: Heap, reverse: boolean, pin?: number): string[] {
  const found: string[] = [];
  let scan = { reverse, limit: 2 } as Parameters<typeof scanEntries>[1];
  for (;;) {
    const batch = scanEntries(heap, scan, pin);
    if (batch.length === 0) return found;
    for (const [key] of batch) found.push(Buffer.from(key).toString());
    const edge = batch.at(-1)![0];
    scan = reverse ? { reverse, limit: 2, end: edge } : { reverse, limit: 2, start: edge, startExclusive: true };
  }
}

test('entries now and at any pin are what they were', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (program) => {
      const heap = await freshHeap();
      let model: Model = new Map();
      const pins: Array<{ pin: ReturnType<typeof makePin>; model: Model }> = [];
      for (const step of program) {
        if (step === 'pin') {
          heap.lock(1000);
          pins.push({ pin: makePin(heap, locks), model: new Map(model) });
          heap.unlock();
        } else if (step === 'unpin') {
          const gone = pins.shift();
          heap.lock(1000);
          if (gone !== undefined) dropPin(heap, locks, gone.pin);
          heap.unlock();
        } else if (step === 'clear') {
          heap.lock(1000);
          heap.commit([{ table: 'entries', key: new Uint8Array(0), value: undefined, clear: true }]);
          heap.unlock();
          model = new Map();
        } else {
          apply(heap, model, step.set);
        }
        heap.refresh();
        check(heap, model);
        assert.equal(countEntries(heap), model.size);
        for (const { pin, model: then } of pins) {
          check(heap, then, pin.sequence);
          assert.equal(pin.entries, then.size);
        }
      }
      if (pins.length === 0) assert.equal(heap.index.count('history'), 0);
    }),
    { numRuns: 150 },
  );
});
