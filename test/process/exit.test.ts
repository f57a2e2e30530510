/** What is set is there afterwards, however the process ends short of being killed. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { open } from '../../src/index.ts';
import type { LodeMap } from '../../src/index.ts';
import { StoreChild } from '../suite/children.ts';
import { assertSame } from '../suite/same.ts';
import { scratch } from '../suite/scratch.ts';
import { plain } from '../suite/views.ts';

const value = { text: 'x'.repeat(20_000), list: [1, 2, { three: 3 }] };

suite('a process that ends without closing its store', () => {
  const ends: Array<[name: string, code: number, end: (child: StoreChild) => void]> = [
    ['by process.exit in the same turn', 0, (child) => void child.call('setAndExit', 'k', value).catch(() => {})],
    ['by an exception nobody catches', 1, (child) => void child.call('setAndThrow', 'k', value).catch(() => {})],
    [
      'because nothing is left to do',
      0,
      (child) => void child.call('set', 'k', value).then(() => child.call('leave')).catch(() => {}),
    ],
  ];
  for (const [name, code, end] of ends) {
    test(`${name} loses nothing`, async (t) => {
      const path = join(scratch(), 'store');
      const child = new StoreChild({ silent: true });
      t.after(() => child.kill());
      await child.call('open', path);
      const exit = once(child.process, 'exit');
      end(child);
      assert.deepEqual(await exit, [code, null]);
      await using map = (await open(path)) as LodeMap;
      assertSame(plain(map.get('k')), value);
    });
  }
});
