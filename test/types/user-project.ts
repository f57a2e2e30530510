/**
 * A project that uses the package, for compilers: all examples of the guides, what truths.ts says, and the adapters, strict and
 * by nodenext, from TypeScript 5.4 to the newest. Without `skipLibCheck` too: then the package's own declarations have to hold; what other
 * packages declare is theirs.
 */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { blocksOf, guidesOf } from '../guides.ts';
import { scratch } from '../suite/scratch.ts';

// Compiled to <root>/<build folder>/test/types/.
const built = fileURLToPath(new URL('../../', import.meta.url));
const root = dirname(join(built, '.'));
/** Makes the project, and gives its folder and the number of examples in it. */
export function makeProject(): { folder: string; examples: number } {
  const folder = scratch();
  let examples = 0;
  // Copied, since a link is followed to the sources beside it.
  const installed = join(folder, 'node_modules', 'lodemap');
  mkdirSync(installed, { recursive: true });
  cpSync(join(built, 'src'), join(installed, 'dist', 'src'), { recursive: true, filter: (path) => !/\.(?:js|map)$/.test(path) });
  const { type, exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<string, unknown>;
  writeFileSync(join(installed, 'package.json'), JSON.stringify({ name: 'lodemap', type, exports }));
  for (const name of readdirSync(join(root, 'node_modules'))) {
    if (/^[\w@]/.test(name)) symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name));
  }
  for (const guide of guidesOf(root)) {
    for (const { language, line, text } of blocksOf(root, guide)) {
      if (language !== 'js' && language !== 'ts') continue;
      writeFileSync(join(folder, `${guide.replaceAll('/', '-')}-${line}.ts`), `${text}\nexport {};\n`);
      examples++;
    }
  }
  for (const name of ['truths.ts', 'adapters.ts']) cpSync(join(root, 'test', 'types', name), join(folder, name));
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ type: 'module' }));
  const compilerOptions = {
    target: 'es2022', module: 'nodenext', moduleResolution: 'nodenext', lib: ['es2022'], types: ['node'], noEmit: true,
    strict: true, exactOptionalPropertyTypes: true,
  };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }));
  return { folder, examples };
}

/** What a compiler, a package of that name, has against it, a line each. */
export async function compile(folder: string, compiler: string, skipLibCheck = false): Promise<string[]> {
  const tsc = join(root, 'node_modules', compiler, 'bin', 'tsc');
  const args = [tsc, '-p', folder, '--pretty', 'false', '--skipLibCheck', String(skipLibCheck)];
  const { stdout } = await promisify(execFile)(process.execPath, args, { maxBuffer: 2 ** 26, cwd: folder }).catch((error: { stdout: string }) => error);
  const own = (line: string): boolean => !line.includes('node_modules/') || line.includes('node_modules/lodemap/');
  return stdout.split('\n').filter((line) => /^\S.*error TS/.test(line) && own(line));
}
