/**
 * The whole public surface as one Markdown text: every name that an entry of the package exports, with its declaration and what is said of it.
 * Read from the declarations that the compiler writes, so it is what users' editors show. `npm run surface` prints it; src/API.md is it.
 *
 * The compiler writes each statement of a declaration file from the first column, and nothing else there: that is all the parsing there is.
 */
import { readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A statement of a declaration file: the name it declares, and its text with the comment before it. */
interface Declaration {
  readonly name: string;
  readonly text: string;
}

type Read = (path: string) => string;

const head = `# The public surface

Every name of the package, with its declaration. Written by \`npm run surface > src/API.md\`, and compared by a test: change the sources, not this.
`;

/** The text, of entries given as names and declaration files. A name that several entries export is shown in the first. */
export function surfaceOf(entries: ReadonlyMap<string, string>, read: Read): string {
  const shownIn = new Map<string, string>();
  let text = head;
  for (const [entry, file] of entries) {
    text += `\n## \`${entry}\`\n`;
    const elsewhere: string[] = [];
    for (const [name, source] of exportsOf(file, read)) {
      const key = `${source}#${name}`;
      const before = shownIn.get(key);
      if (before !== undefined) {
        elsewhere.push(`\`${name}\` (${before})`);
        continue;
      }
      shownIn.set(key, entry);
      const found = declarationsOf(read(source)).filter((declaration) => declaration.name === name);
      if (found.length === 0) throw new Error(`${source} declares no ${name}, which ${file} exports`);
      text += `\n### \`${name}\`\n\n\`\`\`ts\n${found.map((declaration) => declaration.text).join('\n')}\n\`\`\`\n`;
    }
    if (elsewhere.length > 0) text += `\nAlso: ${elsewhere.join(', ')}.\n`;
  }
  return text;
}

/** Names that an entry exports, and the declaration file each comes from. */
function exportsOf(file: string, read: Read): Map<string, string> {
  const found = new Map<string, string>();
  for (const [, names = '', specifier = ''] of read(file).matchAll(/^export (?:type )?\{ ([^}]*) \} from '([^']+)';$/gm)) {
    const source = posix.join(posix.dirname(file), specifier.replace(/\.(?:ts|js)$/, '.d.ts'));
    for (const name of names.split(',')) found.set(name.trim(), source);
  }
  return found;
}

/** The statements of a declaration file, those that have a name. */
export function declarationsOf(text: string): Declaration[] {
  const found: Declaration[] = [];
  let lines: string[] = [];
  for (const line of text.split('\n')) {
    const isStart = lines.every((one) => /^(?:\/\*\*| \*)/.test(one));
    if (isStart && (line === '' || line.startsWith('//'))) {
      lines = [];
      continue;
    }
    // What is said of the file is not said of its first name.
    if (isStart && line.startsWith('/**')) lines = [];
    lines.push(line);
    const isComment = /^(?:\/\*\*| \*)/.test(line);
    const isEnd = !isComment && ((line.startsWith('}') && !/[{(|&]$/.test(line)) || (/[;}]$/.test(line) && /^\S/.test(line)));
    if (!isEnd) continue;
    const name = /^(?:export )?(?:declare )?(?:abstract )?(?:class|function|interface|type|const|let) (\w+)/m.exec(lines.find((one) => !/^(?:\/\*\*| \*)/.test(one)) ?? '')?.[1];
    if (name !== undefined) found.push({ name, text: lines.filter((one) => !/^\s+#private;$/.test(one)).join('\n') });
    lines = [];
  }
  return found;
}

/** The package's entries and their declaration files, by its package.json. */
export function entriesOf(packageJson: string): Map<string, string> {
  const { name, exports } = JSON.parse(packageJson) as { name: string; exports: Record<string, string | { types: string }> };
  const entries = new Map<string, string>();
  for (const [path, target] of Object.entries(exports)) {
    if (typeof target === 'object') entries.set(posix.join(name, path), target.types);
  }
  return entries;
}

/** The text of this package, from the folder `root` that it is built in. */
export function printedSurface(root: string): string {
  const read: Read = (path) => readFileSync(posix.join(root, path), 'utf8');
  return surfaceOf(entriesOf(read('package.json')), read);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.stdout.write(printedSurface(process.cwd()));
