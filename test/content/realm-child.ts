/** Loads the library in a `vm` context, as Jest with jsdom does: all its classes are others than those of Node's own modules. */
import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import vm from 'node:vm';
import type * as Lodemap from '../../src/index.ts';

const context = vm.createContext({ process, Buffer, URL, TextEncoder, TextDecoder, AbortSignal, AbortController, structuredClone, performance, setTimeout, setImmediate, clearImmediate, clearTimeout, setInterval, clearInterval, queueMicrotask, console });
const loaded = new Map<string, Promise<vm.Module>>();

function load(specifier: string, parent: string): Promise<vm.Module> {
  const url = specifier.startsWith('.') ? new URL(specifier, parent).href : specifier;
  const known = loaded.get(url);
  const module = known ?? (url.startsWith('file:') ? ownModule(url) : foreignModule(url));
  loaded.set(url, module);
  return module;
}

async function ownModule(url: string): Promise<vm.Module> {
  const initializeImportMeta = (meta: { url?: string }): void => void (meta.url = url);
  const importModuleDynamically = (specifier: string): Promise<vm.Module> => run(specifier, url);
  return new vm.SourceTextModule(await readFile(fileURLToPath(url), 'utf8'), { context, identifier: url, initializeImportMeta, importModuleDynamically });
}

/** A module of Node or a package: made outside, with the classes of the outside. */
async function foreignModule(specifier: string): Promise<vm.Module> {
  const module = (await import(specifier)) as Record<string, unknown>;
  return new vm.SyntheticModule(Object.keys(module), function (this: vm.SyntheticModule) {
    for (const [name, value] of Object.entries(module)) this.setExport(name, value);
  }, { context });
}

async function run(specifier: string, parent: string): Promise<vm.Module> {
  const module = await load(specifier, parent);
  if (module.status === 'unlinked') await module.link((wanted, from) => load(wanted, from.identifier));
  await module.evaluate();
  return module;
}

const entry = await run('../../src/index.js', import.meta.url);
const { open, equals, contentId, isLazy } = entry.namespace as typeof Lodemap;

const folder = process.argv[2]!;
const map = await open<Lodemap.Key>(join(folder, 'store'));
const { mtime } = statSync(folder);
const value = { mtime, bytes: new Uint8Array([1, 2]), map: new Map([[{ a: 1 }, new Set([1])]]), error: new TypeError('t'), pattern: /x/g, list: Array.from({ length: 5000 }, (_, i) => ({ i })) };
map.set(mtime, value).set(Buffer.from('key'), value).set('x'.repeat(3000), [value]);
await map.flush();
for (const found of [map.get(mtime), map.get(Uint8Array.from(Buffer.from('key')))]) {
  assert.ok(isLazy(found) && equals(found, value) && equals(found, structuredClone(value)));
  assert.equal(contentId(found), contentId(value));
}
assert.ok(map.compareAndSet(mtime, structuredClone(value), 'next'));
assert.equal(await map.setMany([[1, 1], [2, new Date(2)]], { signal: AbortSignal.timeout(60_000) }), 2);
map.update('n', () => ({ at: new Date(0) }));
assert.ok(equals(map.get('n'), { at: new Date(0) }));
assert.ok((await map.verify()).ok);
await map.vacuum();
await map.close();
const again = await open<Lodemap.Key>(join(folder, 'store'));
assert.ok(equals(again.get(Buffer.from('key')), value));
await again.close();
process.stdout.write('all the same\n');
