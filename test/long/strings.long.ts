/** A string whose UTF-8 form is longer than the longest string, by a reopened store. Needs 3 GiB of memory. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { open } from '../../src/index.ts';
import { scratch } from '../suite/scratch.ts';

test('a string of 560 MiB in UTF-8', async () => {
  const path = join(scratch(), 'store');
  const text = 'éЀ'.repeat(140 * 1024 * 1024);
  await using map = await open(path);
  map.set('text', text);
  await map.close();
  await using again = await open(path, { create: false });
  assert.ok(again.get('text') === text);
});
