#!/usr/bin/env node
/**
 * The command line: finds the verb, reads its arguments, runs it. Exit codes: 0 done, 1 failed, 2 called wrongly.
 * Ctrl-C aborts the command, which ends in good order; a second one ends the process at once.
 */
import { readFileSync } from 'node:fs';
import { everywhere, readArguments, UsageError } from './terminal/command.ts';
import { alignTable, Terminal } from './terminal/terminal.ts';
import type { Command } from './terminal/command.ts';

const verbs: Readonly<Record<string, () => Promise<{ readonly command: Command }>>> = {
  import: () => import('./commands/import.ts'),
  export: () => import('./commands/export.ts'),
  get: () => import('./commands/get.ts'),
  set: () => import('./commands/set.ts'),
  delete: () => import('./commands/delete.ts'),
  ls: () => import('./commands/ls.ts'),
  sort: () => import('./commands/sort.ts'),
  group: () => import('./commands/group.ts'),
  join: () => import('./commands/join.ts'),
  stat: () => import('./commands/stat.ts'),
  verify: () => import('./commands/verify.ts'),
  vacuum: () => import('./commands/vacuum.ts'),
  backup: () => import('./commands/backup.ts'),
  dump: () => import('./commands/dump.ts'),
  rebuild: () => import('./commands/rebuild.ts'),
  bench: () => import('./commands/bench.ts'),
};

async function main(args: readonly string[]): Promise<number> {
  const verb = args[0];
  if (verb === undefined || verb === '--help' || verb === '-h' || verb === 'help') {
    const text = await overview();
    (verb === undefined ? process.stderr : process.stdout).write(text);
    return verb === undefined ? 2 : 0;
  }
  if (verb === '--version') return process.stdout.write(`${version()}\n`), 0;
  const load = Object.hasOwn(verbs, verb) ? verbs[verb] : undefined;
  if (load === undefined) {
    process.stderr.write(`lodemap: no command ${verb}; there are: ${Object.keys(verbs).join(', ')}\n`);
    return 2;
  }
  return await run(verb, (await load()).command, args.slice(1));
}

async function run(verb: string, command: Command, args: readonly string[]): Promise<number> {
  const abort = new AbortController();
  const interrupted = (): void => abort.abort();
  process.once('SIGINT', interrupted);
  // Nobody reads any more (`lodemap ls store | head`): stop, and call it done.
  let readerGone = false;
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    readerGone = error.code === 'EPIPE';
    abort.abort(error);
  });
  let terminal = new Terminal(args.includes('--json'), process.stdout, process.stderr);
  try {
    const { words, options } = readArguments(args, command);
    if (options['help'] === true) return process.stdout.write(helpOf(verb, command)), 0;
    terminal = new Terminal(options['json'] === true, process.stdout, process.stderr);
    await command.run({ words, options, terminal, signal: abort.signal });
    terminal.endProgress();
    return Number(process.exitCode ?? 0);
  } catch (error) {
    if (readerGone) return 0;
    terminal.endProgress();
    report(verb, abort.signal.aborted ? { message: 'interrupted', code: 'ABORTED' } : error, terminal.json);
    return error instanceof UsageError ? 2 : 1;
  } finally {
    process.off('SIGINT', interrupted);
  }
}

function report(verb: string, error: unknown, json: boolean): void {
  const { message, code, line, column } = error as { message?: string; code?: string; line?: number; column?: number };
  if (json) process.stderr.write(`${JSON.stringify({ error: message ?? String(error), code, line, column })}\n`);
  else process.stderr.write(`lodemap ${verb}: ${message ?? String(error)}${code === undefined ? '' : ` (${code})`}\n`);
  if (!json && error instanceof UsageError) process.stderr.write(`See lodemap ${verb} --help\n`);
  if (process.env['LODEMAP_TRACE'] !== undefined) console.error(error);
}

async function overview(): Promise<string> {
  const rows: string[][] = [];
  for (const [verb, load] of Object.entries(verbs)) rows.push([`  ${verb}`, (await load()).command.summary]);
  return `lodemap <command> <store> ...\n\n${alignTable(rows)}\nlodemap <command> --help says more. Exit codes: 0 done, 1 failed, 2 called wrongly.\n`;
}

function helpOf(verb: string, { summary, usage, options, examples }: Command): string {
  const rows = Object.entries({ ...options, ...everywhere }).map(([name, { value, short, text }]) => [`  ${short === undefined ? '' : `-${short} `}--${name}${value === undefined ? '' : ` <${value}>`}`, text]);
  const samples = examples.map(([command, does]) => `  ${command}\n      ${does}\n`).join('');
  return `lodemap ${verb} ${usage}\n\n${summary}\n\n${alignTable(rows)}\n${samples}`;
}

function version(): string {
  // Built to dist/tools/, two folders below package.json.
  return (JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }).version;
}

process.exitCode = await main(process.argv.slice(2));
