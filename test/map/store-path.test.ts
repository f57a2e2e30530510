/** Which folder `open` takes for a store, by which name: paths, URLs, links, and what may lie there already. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { open, StoreError } from '../../src/index.ts';
import { code } from '../suite/fresh.ts';
import { scratch } from '../suite/scratch.ts';

suite('the path of a store', () => {
  test('where there is a file, or one on the way, it is no store: FORMAT, whatever is asked for', async () => {
    const file = join(scratch(), 'file');
    writeFileSync(file, 'precious');
    for (const path of [file, join(file, 'store'), join(file, 'a', 'b')]) {
      for (const options of [{}, { readOnly: true }, { create: false }, { rebuild: true }]) {
        await assert.rejects(open(path, options), (error) => code('FORMAT')(error) && (error as Error).message.includes(`${file} is no folder`));
      }
    }
    await using map = await open(join(scratch(), 'store'));
    map.set('a', 1);
    await assert.rejects(map.backup(file), code('FORMAT'));
    assert.equal(readFileSync(file, 'latin1'), 'precious');
  });

  test('what no path can be is misuse, and says what would do', async () => {
    const path = join(scratch(), 'store');
    await using map = await open(path);
    const wrong: [unknown, RegExp][] = [
      ['a\0b', /NUL/], [`${path}\0`, /NUL/], ['', /""/], [pathToFileURL(path).href, /new URL/], ['FILE:/x', /new URL/], ['file:x', /new URL/],
      ['https://example.com/store', /only file URLs/], ['s3://bucket/store', /only file URLs/], [7, /7/], [null, /null/], [{}, /Object/], [new URL('https://example.com/store'), /file/],
      [new URL('file:///a%00b'), /NUL|null/],
    ];
    for (const [name, text] of wrong) {
      await assert.rejects(open(name as string), (error: Error) => error instanceof TypeError && text.test(error.message), String(name));
      await assert.rejects(map.backup(name as string), (error: Error) => error instanceof TypeError && text.test(error.message), String(name));
    }
  });

  test('two ways to a folder that is not there yet are one store', async () => {
    const folder = scratch();
    mkdirSync(join(folder, 'real'));
    symlinkSync(join(folder, 'real'), join(folder, 'link'));
    symlinkSync('link/to be/made', join(folder, 'dangling'));
    symlinkSync(join(folder, 'dangling'), join(folder, 'twice'));
    const opened = await Promise.all(['real/to be/made', 'link/to be/made', 'dangling', 'twice'].map((name) => open<string, number>(join(folder, name))));
    const [first] = opened;
    first!.set('a', 1);
    // Not committed yet: only the same store in this process knows it.
    for (const map of opened) assert.equal(map.get('a'), 1);
    for (const map of opened) await map.close();
  });

  test('a link that leads to itself is an error', async () => {
    const folder = scratch();
    symlinkSync('b', join(folder, 'a'));
    symlinkSync('a', join(folder, 'b'));
    await assert.rejects(open(join(folder, 'a')), (error) => error instanceof StoreError && ['IO', 'FORMAT'].includes(error.code));
  });
});

suite('what may lie where a store is to be made', () => {
  const nobodys = ['lost+found', '.gitkeep', '.gitignore', '.gitattributes', '.DS_Store', '._store', 'Thumbs.db', 'desktop.ini', '.Trash-1000', '.nfs00000a', '.snapshot', '@eaDir', '.directory'];

  test('what systems leave there is no reason to refuse it, and stays', async () => {
    const path = scratch();
    mkdirSync(join(path, nobodys[0]!));
    for (const name of nobodys.slice(1)) writeFileSync(join(path, name), name);
    mkdirSync(join(path, 'segments'));
    writeFileSync(join(path, 'segments', '.gitkeep'), '');
    await using map = await open(path);
    map.set('a', 1);
    await map.flush();
    const { ok, leftovers } = await map.verify({ dropLeftovers: true });
    assert.deepEqual([ok, leftovers], [true, []]);
    const backup = scratch();
    writeFileSync(join(backup, '.DS_Store'), '');
    await map.backup(backup);
    for (const name of nobodys.slice(1)) assert.equal(readFileSync(join(path, name), 'utf8'), name);
  });

  test('anything else is: nothing of it is touched', async () => {
    for (const name of ['data', 'index', '.env', '.git', 'Thumbs', 'x.DS_Store']) {
      const path = scratch();
      writeFileSync(join(path, name), name);
      await assert.rejects(open(path), code('FORMAT'));
      await using map = await open(join(scratch(), 'store'));
      map.set('a', 1);
      await assert.rejects(map.backup(path), code('FORMAT'));
      assert.equal(readFileSync(join(path, name), 'utf8'), name);
    }
  });
});
