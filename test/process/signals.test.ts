/**
 * Signals end a process that uses a store as they end any other, also while its thread is busy, and whatever maintenance it has done.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { StoreChild } from '../suite/children.ts';
import { scratch } from '../suite/scratch.ts';

/** What a child does before it is busy. */
const before: Readonly<Record<string, (child: StoreChild, path: string) => Promise<unknown>>> = {
  'a vacuum': (child) => child.call('vacuum', {}),
  'a backup': (child, path) => child.call('backup', `${path}.backup`),
  'a verify and a snapshot': (child) => child.call('verify').then(() => child.call('snapshot')),
  'opening with a rebuild': (child, path) => child.call('close').then(() => child.call('open', path, { rebuild: true })),
  'an automatic vacuum': async (child, path) => {
    await child.call('close');
    await child.call('open', path, { autoVacuum: true });
    await child.call('distinctLists', 'some', 200, 50);
  },
};

suite('a busy process is ended by', () => {
  for (const [signal, names] of Object.entries({ SIGTERM: Object.keys(before), SIGINT: ['a vacuum'], SIGHUP: ['a vacuum'] })) {
    for (const name of names) {
      test(`${signal}, after ${name}`, async (t) => {
        const path = join(scratch(), 'store');
        const child = await StoreChild.open(path);
        t.after(() => child.kill());
        await child.call('setAll', [['a', { some: 'value' }]]);
        await before[name]!(child, path);
        const busy = new Promise((resolve) => {
          child.onMessage = resolve;
        });
        const call = child.call('beBusy', 20_000).catch(() => 'ended');
        await busy;
        const exit = once(child.process, 'exit');
        child.process.kill(signal as NodeJS.Signals);
        assert.deepEqual(await exit, [null, signal]);
        assert.equal(await call, 'ended');
      });
    }
  }
});
