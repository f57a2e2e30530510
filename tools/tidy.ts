/**
 * The house's inspector: the rules a compiler and a linter do not know, each as a function from files to problems.
 *
 * A file imports its own folder or a lower line of the tower; folders on one line are strangers; type imports count. Only
 * entries re-export, one file is the door to each dependency, nothing is larger than it can be read. Tests and tools keep to
 * the public surface, save that a test may use the layer it mirrors and those below.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inspectRooms, tower } from './rooms.ts';
import { functionsOf, importsOf, parametersOf, readSource } from './source-text.ts';
import type { ImportLine, SourceText } from './source-text.ts';

/** One door per dependency: which files may name a module. */
const doors: Readonly<Record<string, RegExp>> = {
  lmdb: /^src\/storage\/lmdb-index\.ts$/,
  'fs-native-extensions': /^src\/storage\/kernel-calls\.ts$/,
  'proper-lockfile': /^src\/storage\/(?:maintenance-)?lock\.ts$/,
  'xxhash-wasm': /^src\/heap\/hash\.ts$/,
  'cbor-x': /^src\/codec\/cbor\.ts$/,
  'node:fs': /^src\/(?:storage\/|(?:stream|external|memory)\/(?:[\w-]+\/)?[\w-]*(?:file|spill|run)[\w-]*\.ts$)/,
};

/** The one file that may touch the clocks of the process, which tests of applications replace. */
const clockDoor = 'src/base/timers.ts';
const clocks = /\b(?:Date|performance)\.now\b|\bhrtime\b|\bnextTick\b|\bglobal(?:This)?\.(?:set|clear)(?:Timeout|Interval|Immediate)\b/g;
const timerNames = /(?<![\w.$#])(?:(?:set|clear)(?:Timeout|Interval|Immediate)|queueMicrotask)\b(?! as\b)/g;

const linesPerFile = 500;
const linesPerFunction = 70;
const parametersPerFunction = 4;
const bannedNames = /(?:^|[.-])(?:utils?|helpers?|common|misc|impl|manager|core|libs?)(?:[.-]|$)|^types?\./;

/** One thing that is not as the house wants it. `line` counts from 1; 0 is the whole file. */
export interface Problem {
  readonly rule: string;
  readonly file: string;
  readonly line: number;
  readonly message: string;
}

/** What an inspection found, with the figures of `src`: lines, files over 300 lines, comment lines per line of code. */
export interface Inspection {
  readonly problems: readonly Problem[];
  readonly files: number;
  readonly lines: number;
  readonly long: readonly string[];
  readonly commentShare: number;
}

interface Source {
  readonly file: string;
  readonly text: string;
  readonly source: SourceText;
  readonly imports: readonly ImportLine[];
}

type Report = (rule: string, file: string, line: number, message: string) => void;

/** Inspects a tree given as path -> text, paths relative to its root, with `/`. Reads nothing itself. */
export function inspect(files: ReadonlyMap<string, string>): Inspection {
  const problems: Problem[] = [];
  const report: Report = (rule, file, line, message) => void problems.push({ rule, file, line, message });
  const sources: Source[] = [];
  for (const [file, text] of files) {
    checkPlaces(file, text, report);
    if (!/^(?:src|test|bench|tools)\/.*\.ts$/.test(file)) continue;
    const source = readSource(text);
    sources.push({ file, text, source, imports: importsOf(source) });
  }
  const entries = entryFiles(files.get('package.json') ?? '{}');
  const packages = dependencies(files.get('package.json') ?? '{}');
  for (const one of sources) {
    checkName(one.file, report);
    checkSize(one, report);
    checkImports(one, { entries, packages }, report);
    checkWriting(one, report);
    checkFolders(one, report);
  }
  for (const one of sources) checkTimers(one, report);
  checkProxies(sources, report);
  checkCycles(sources, report);
  return { problems, ...figures(sources) };
}

/** The level of a file under `src`, 0 at the top of the tower; -1 when its folder is not in it. */
export function levelOf(file: string): number {
  const folder = file.split('/')[1] ?? '';
  return tower.findIndex((line) => line.includes(folder));
}

function folderOf(file: string): string {
  return file.split('/').slice(0, 2).join('/');
}

/** The sources behind the package's public entries: `./dist/src/index.d.ts` is `src/index.ts`. */
function entryFiles(packageJson: string): Set<string> {
  const found = packageJson.matchAll(/"\.\/dist\/(src\/[\w./-]+)\.d\.ts"/g);
  return new Set(['src/index.ts', ...Array.from(found, (match) => `${match[1]}.ts`)]);
}

function dependencies(packageJson: string): { all: Set<string>; runtime: Set<string> } {
  const data = JSON.parse(packageJson) as { name?: string } & Record<'dependencies' | 'devDependencies', Record<string, string> | undefined>;
  const runtime = Object.keys(data.dependencies ?? {});
  // Tests of its types name the package as its users do.
  return { runtime: new Set(runtime), all: new Set([...runtime, ...Object.keys(data.devDependencies ?? {}), data.name ?? '']) };
}

function checkName(file: string, report: Report): void {
  for (const part of file.split('/').slice(1)) {
    if (!/^[a-z0-9]+(?:-[a-z0-9]+)*(?:\.[a-z0-9]+)*$/.test(part)) report('name', file, 0, `${part} is not kebab-case`);
    if (bannedNames.test(part)) report('name', file, 0, `${part} names nothing: say what it holds`);
  }
}

function checkSize({ file, text, source }: Source, report: Report): void {
  const lines = text.split('\n').length - 1;
  if (lines > linesPerFile) report('size', file, 0, `${lines} lines, at most ${linesPerFile}`);
  for (const span of functionsOf(source)) {
    // A suite is as long as its list of tests.
    if (file.startsWith('test/') && /^\s*(?:test|it|describe)\(/m.test(source.code.split('\n').slice(span.line, span.line + span.lines).join('\n'))) continue;
    if (span.lines > linesPerFunction) {
      report('size', file, span.line, `a function of ${span.lines} lines, at most ${linesPerFunction}: ${span.opening}`);
    }
  }
  for (const { line, name, parameters } of parametersOf(source)) {
    if (parameters > parametersPerFunction) report('size', file, line, `${name} has ${parameters} parameters, at most ${parametersPerFunction}`);
  }
}

interface Known {
  readonly entries: ReadonlySet<string>;
  readonly packages: { readonly all: ReadonlySet<string>; readonly runtime: ReadonlySet<string> };
}

function checkImports({ file, imports }: Source, known: Known, report: Report): void {
  const inSource = file.startsWith('src/');
  if (inSource && levelOf(file) < 0) report('layer', file, 0, 'its folder is not in the tower');
  for (const { specifier, line, reExports } of imports) {
    if (reExports && !(inSource && known.entries.has(file))) report('door', file, line, `only an entry re-exports: ${specifier}`);
    if (specifier.startsWith('.')) {
      const target = posix.join(posix.dirname(file), specifier);
      const why = target.startsWith('src/') ? forbidden(file, target, known.entries) : undefined;
      if (why !== undefined) report('layer', file, line, `${specifier}: ${why}`);
      if (inSource && !target.startsWith('src/') && !target.endsWith('.json')) report('layer', file, line, `${specifier} leaves src`);
      continue;
    }
    const name = specifier.split('/').slice(0, specifier.startsWith('@') ? 2 : 1).join('/');
    const door = Object.hasOwn(doors, name) ? doors[name] : undefined;
    if (inSource && door !== undefined && !door.test(file)) report('door', file, line, `${specifier} has a door of its own: ${door.source}`);
    if (name.startsWith('node:')) continue;
    const allowed = inSource ? known.packages.runtime : known.packages.all;
    if (!allowed.has(name) && !file.startsWith('bench/')) report('door', file, line, `${name} is not among the dependencies`);
  }
}

/** Why `from` may not import `target` (a file under src), or undefined when it may. */
function forbidden(from: string, target: string, entries: ReadonlySet<string>): string | undefined {
  const [top, folder] = from.split('/');
  const below = levelOf(target);
  if (top === 'src') {
    if (folderOf(from) === folderOf(target) && levelOf(from) > 0) return undefined;
    if (levelOf(from) < below) return undefined;
    return levelOf(from) === below ? 'folders on one line of the tower are strangers' : 'an import up the tower';
  }
  if (entries.has(target)) return undefined;
  if (top === 'test') {
    const mirrored = levelOf(`src/${folder}`);
    return mirrored >= 0 && mirrored > below ? 'a test may import its own layer and lower ones' : undefined;
  }
  return below === 1 ? undefined : `${top} uses the public surface`;
}

/** What the text itself must not hold, wherever the file lies. */
function checkPlaces(file: string, text: string, report: Report): void {
  const patterns: [RegExp, string][] = [
    [/(?<![\w.$}~-])\/(?:home|Users|root|work)\/[\w.-]+/, 'a path of one machine'],
    [/https?:\/\/[\w.-]*(?:registry|npmjs\.org|artifactory|nexus)[\w.-]*/, 'the host of a registry'],
  ];
  for (const [pattern, what] of patterns) {
    const match = pattern.exec(text);
    if (match !== null) report('place', file, text.slice(0, match.index).split('\n').length, `${what}: ${match[0]}`);
  }
}

function checkWriting({ file, source }: Source, report: Report): void {
  for (const token of source.tokens) {
    if (token.kind !== 'comment') continue;
    const body = token.text.slice(2).trim();
    if (/^[=\-*#~/]{4,}/.test(body)) report('writing', file, token.line, 'a banner');
    const looksLikeCode = /^(?:(?:const|let|import|return|await|if|for|while|export)\b.*[;{]|[\w.#]+\(.*\);|\}.*)$/;
    if (token.text.startsWith('//') && looksLikeCode.test(body)) report('writing', file, token.line, 'code commented out');
  }
  const rules: [RegExp, string][] = [
    [/\bexport default\b/g, 'exports have names'],
    [/^(?:export )?(?:declare )?(?:const )?enum \w/gm, 'an enum cannot be erased'],
    [/@ts-(?:ignore|nocheck)/g, 'the compiler is right'],
    ...(file.startsWith('src/') ? [[/\bconsole\.\w+\(/g, 'src does not print'] as [RegExp, string]] : []),
    ...(file.startsWith('src/') && file !== clockDoor ? [[clocks, `timers and clocks come from ${clockDoor}`] as [RegExp, string]] : []),
  ];
  for (const [pattern, message] of rules) {
    for (const match of source.code.matchAll(pattern)) {
      report('writing', file, source.code.slice(0, match.index).split('\n').length, message);
    }
  }
}

/** Whoever uses a timer's name has to have it from the door, not from the global object. */
function checkTimers({ file, text, source, imports }: Source, report: Report): void {
  if (!file.startsWith('src/') || file === clockDoor) return;
  for (const { specifier, line } of imports) {
    if (/^(?:node:)?(?:timers|perf_hooks)\b/.test(specifier)) report('door', file, line, `timers and clocks come from ${clockDoor}`);
  }
  const imported = /import \{([^}]*)\} from '[\w./]+\/timers\.ts'/.exec(text)?.[1] ?? '';
  for (const { 0: name, index } of source.code.matchAll(timerNames)) {
    if (imported.includes(name)) continue;
    report('writing', file, source.code.slice(0, index).split('\n').length, `${name} of the global object: take it from ${clockDoor}`);
  }
}

/** In a store nothing is followed or waited for, and one file knows how. The others of its room may use what is open, and look. */
const folderDoor = 'src/storage/folder/store-folder.ts';
const harmlessCalls = /^(?:read|write|fstat|ftruncate|fdatasync|fsync|fchmod|fchown|close|readFile|stat|lstat|statfs|realpath|readlink)(?:Sync)?$/;

function checkFolders({ file, source }: Source, report: Report): void {
  if (!file.startsWith('src/storage/') || file === folderDoor) return;
  const named = source.code.matchAll(/\bimport \{([^}]*Sync\b[^}]*)\}|\bfs\.(?:promises\.)?(\w+)\(/g);
  for (const { 1: imported, 2: called, index } of named) {
    for (const name of (imported ?? called!).split(',').map((one) => one.trim())) {
      if (name === '' || harmlessCalls.test(name)) continue;
      report('door', file, source.code.slice(0, index).split('\n').length, `${name} by path: only ${folderDoor} does that`);
    }
  }
}

function checkProxies(sources: readonly Source[], report: Report): void {
  const holders = sources.filter(({ file, source }) => file.startsWith('src/') && /\bnew Proxy\b/.test(source.code));
  for (const { file } of holders.slice(1)) report('door', file, 0, `new Proxy is also in ${holders[0]!.file}: keep it in one file`);
}

/** Depth first, each file entered once; a file met again on its own path closes a cycle. */
function checkCycles(sources: readonly Source[], report: Report): void {
  const edges = new Map<string, string[]>();
  for (const { file, imports } of sources) {
    edges.set(file, imports.filter(({ specifier }) => specifier.startsWith('.')).map(({ specifier }) => posix.join(posix.dirname(file), specifier)));
  }
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (file: string): void => {
    const at = path.indexOf(file);
    if (at >= 0) report('cycle', file, 0, [...path.slice(at), file].join(' > '));
    if (at >= 0 || done.has(file)) return;
    path.push(file);
    for (const next of edges.get(file) ?? []) visit(next);
    path.pop();
    done.add(file);
  };
  for (const file of edges.keys()) visit(file);
}

function figures(sources: readonly Source[]): Omit<Inspection, 'problems'> {
  const inSource = sources.filter(({ file }) => file.startsWith('src/'));
  const lengths = inSource.map(({ file, text }) => ({ file, lines: text.split('\n').length - 1 }));
  let comments = 0;
  let code = 0;
  for (const { source } of inSource) {
    code += source.code.split('\n').filter((line) => line.trim() !== '').length;
    for (const { kind, text } of source.tokens) if (kind === 'comment') comments += text.split('\n').length;
  }
  return {
    files: lengths.length,
    lines: lengths.reduce((sum, { lines }) => sum + lines, 0),
    long: lengths.filter(({ lines }) => lines > 300).map(({ file, lines }) => `${file} (${lines})`),
    commentShare: code === 0 ? 0 : comments / code,
  };
}

const skipped = /^(?:node_modules|dist|dist-.*|\.git|.*\.tgz)$/;

/** Reads a repository's text files below `root` (what is installed or built left out). */
export function readTree(root: string): Map<string, string> {
  const files = new Map<string, string>();
  const walk = (folder: string): void => {
    for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (skipped.test(entry.name) || path === 'test/fixtures') continue;
      if (entry.isDirectory()) walk(path);
      else if (/\.(?:ts|js|json|md|sh)$|^LICENSE$|^run$/.test(entry.name)) files.set(path, readFileSync(join(root, path), 'utf8'));
    }
  };
  walk('');
  return files;
}

function main(): void {
  const tree = readTree(process.cwd());
  const { problems, files, lines, long, commentShare } = inspect(tree);
  const rooms = inspectRooms(tree);
  for (const { file, line, rule, message } of problems) console.error(`${file}:${line}  ${rule}: ${message}`);
  for (const { file, message } of rooms) console.error(`${file}  room: ${message}`);
  console.log(`${files} files in src, ${lines} lines, ${commentShare.toFixed(2)} lines of comment per line of code`);
  if (long.length > 0) console.log(`over 300 lines: ${long.join(', ')}`);
  process.exitCode = problems.length + rooms.length > 0 ? 1 : 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
