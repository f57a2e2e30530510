import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { test } from 'node:test';
import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises';
import { open } from '../../src/index.ts';
import { storeOf } from '../../src/map/lode-map.ts';
import { AutoVacuum } from '../../src/map/upkeep/auto-vacuum.ts';
import { scratch } from '../suite/scratch.ts';

const MiB = 1024 * 1024;

test('what is overwritten while a vacuum runs is growth for the next one, and the faster that goes', async (t) => {
  const map = await open<string, string>(join(scratch(), 'store'), { segmentBytes: 4 * MiB });
  t.after(() => map.close());
  const store = storeOf(map as never);
  const overwrite = async (bytes: number): Promise<void> => {
    for (let at = 0; at < bytes; at += MiB) {
      // Nothing is like anything that was there before.
      for (let i = 0; i < 16; i++) map.set(`key ${i}`, randomBytes(48 * 1024).toString('base64'));
      await turn();
    }
  };
  let runs = 0;
  let rate = (): number => 0;
  let under: Promise<unknown> | undefined;
  const auto = new AutoVacuum(store, {}, (options, atLeast) => {
    assert.equal(options.maxBytesPerSecond, 32 * MiB);
    runs++;
    rate = atLeast!;
    const vacuum = map.vacuum();
    // As much as the vacuum was begun for, before it has ended.
    const work = overwrite(20 * MiB).then(() => vacuum);
    under = work;
    return work;
  });
  const settle = async (): Promise<void> => {
    auto.noteCommit();
    for (let i = 0; i < 10; i++) await turn();
    await under;
    await delay(1);
  };
  await overwrite(20 * MiB);
  await settle();
  assert.equal(runs, 1);
  const before = rate();
  await overwrite(20 * MiB);
  assert.ok(before > 0 && rate() > 0);
  await settle();
  assert.equal(runs, 2, 'the log is twice as large as what is live in it, and more');
  await map.vacuum();
  await overwrite(2 * MiB);
  auto.noteCommit();
  for (let i = 0; i < 10; i++) await turn();
  assert.equal(runs, 2, 'and now it is not');
});
