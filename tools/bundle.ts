/**
 * Joins the compiled modules into the few files that the package ships, `dist/lib`. A process that loads one file instead of 180
 * modules starts in half the time and holds 6 MB less (bench/README.md, M1).
 *
 * Some modules are loaded by their URL, by a worker or another process. They are entries too, and all files lie in one folder, so
 * that `ownFile('folder/name')` finds them from wherever the code that says so has gone; this is checked.
 * Types stay where the compiler puts them.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rollup } from 'rollup';
import type { OutputChunk } from 'rollup';

/** Files of `dist/lib`, and the compiled modules behind them. */
const entries: Readonly<Record<string, string>> = {
  index: 'src/index',
  cache: 'src/cache/index',
  external: 'src/external/index',
  memory: 'src/external/memory',
  stream: 'src/stream/index',
  cli: 'tools/cli',
  // Loaded by URL.
  'build-worker': 'src/heap/log/build-worker',
  'key-of': 'tools/terminal/key-of',
  'file-parts': 'src/stream/file/file-parts',
  'index-store': 'src/storage/index-store',
  'lmdb-index': 'src/storage/lmdb-index',
  'own-file': 'src/base/own-file',
  'part-sort': 'src/external/sort/part-sort',
  'rewrite-task': 'src/map/upkeep/rewrite-task',
  'source-part': 'src/external/source-part',
  'task-worker': 'src/engine/task-worker',
};

async function main(): Promise<void> {
  // Compiled to <root>/<build folder>/tools/.
  const built = fileURLToPath(new URL('../', import.meta.url));
  const folder = join(built, 'lib');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  const bundle = await rollup({
    input: Object.fromEntries(Object.entries(entries).map(([name, module]) => [name, join(built, `${module}.js`)])),
    external: (id) => !/^[./]/.test(id),
    onLog: (level, log) => {
      // The compiler's helper for `import()` of a computed name asks for a `this` that no module has.
      if (log.code !== 'THIS_IS_UNDEFINED') console.error(`${level}: ${log.message}`);
    },
  });
  const { output } = await bundle.write({ dir: folder, format: 'es', chunkFileNames: '[name]-part.js', hoistTransitiveImports: false });
  await bundle.close();
  checkSiblings(output.filter((file) => file.type === 'chunk'));
}

/** Throws when a file names a sibling that is not there. */
function checkSiblings(chunks: readonly OutputChunk[]): void {
  const names = new Set(chunks.map(({ fileName }) => fileName));
  let wanted = 0;
  for (const { fileName, code } of chunks) {
    const byName = Array.from(code.matchAll(/[oO]wnFile\('[\w/-]*?([\w-]+)'\)/g), ([, name]) => `${name}.js`);
    const byUrl = Array.from(code.matchAll(/new URL\('\.\/([\w.-]+)', (?:import\.meta\.url|door)\)/g), ([, name]) => name!);
    wanted += byName.length + byUrl.length;
    for (const sibling of [...byName, ...byUrl]) {
      if (!names.has(sibling)) throw new Error(`${fileName} loads ${sibling} by its URL, which is no entry of tools/bundle.ts`);
    }
  }
  if (wanted < 8) throw new Error(`Only ${wanted} files are loaded by their URL: the pattern that finds them is out of date`);
}

await main();
