#!/usr/bin/env node
/**
 * The command line: finds the verb, reads its arguments, runs it. Exit codes: 0 done, 1 failed, 2 called wrongly.
 * Ctrl-C (SIGINT), SIGTERM, SIGHUP and SIGQUIT abort the command, which ends in good order; a second one ends the process at once.
 */
import { closest } from '../src/stream/nearest-name.ts';
import { everywhere, readArguments, UsageError } from './terminal/command.ts';
import { packageVersion } from './terminal/package-version.ts';
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

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;

async function main(args: readonly string[]): Promise<number> {
  const [verb, about] = args;
  const terminal = new Terminal(false, process.stdout, process.stderr);
  if (verb === undefined) {
    process.stderr.write(await overview());
    return 2;
  }
  if (verb === '--help' || verb === '-h' || (verb === 'help' && about === undefined)) return await say(terminal, await overview());
  if (verb === '--version') return await say(terminal, `${packageVersion()}\n`);
  if (verb === 'help') return await main([about!, '--help']);
  const load = Object.hasOwn(verbs, verb) ? verbs[verb] : undefined;
  if (load === undefined) {
    const meant = closest(verb, Object.keys(verbs));
    process.stderr.write(`lodemap: no command ${verb}${meant === undefined ? '' : `; did you mean ${meant}?`} There are: ${Object.keys(verbs).join(', ')}\n`);
    return 2;
  }
  return await run(verb, (await load()).command, args.slice(1));
}

/** Writes text, to the last byte. */
async function say(terminal: Terminal, text: string): Promise<number> {
  try {
    await terminal.write(text);
    await terminal.flush();
    return 0;
  } catch (error) {
    return outputFailed('', error as NodeJS.ErrnoException, false);
  }
}

async function run(verb: string, command: Command, args: readonly string[]): Promise<number> {
  const abort = new AbortController();
  const interrupted = (): void => abort.abort();
  // The process that rebuilds an index has no turn in which it could hear of a signal: it is ended by it.
  const isDeaf = process.env['LODEMAP_REBUILD_WORKER'] !== undefined;
  for (const signal of isDeaf ? [] : signals) process.once(signal, interrupted);
  let outError: NodeJS.ErrnoException | undefined;
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    outError ??= error;
    abort.abort(error);
  });
  let terminal = new Terminal(args.includes('--json'), process.stdout, process.stderr);
  try {
    const { words, options } = readArguments(args, command);
    if (options['help'] === true) return await say(terminal, helpOf(verb, command));
    terminal = new Terminal(options['json'] === true, process.stdout, process.stderr);
    await command.run({ words, options, terminal, signal: abort.signal });
    terminal.endProgress();
    await terminal.flush();
    return Number(process.exitCode ?? 0);
  } catch (error) {
    terminal.endProgress();
    await terminal.flush().catch((failure: unknown) => void (outError ??= failure as NodeJS.ErrnoException));
    if (outError !== undefined) return outputFailed(verb, outError, terminal.json);
    report(verb, abort.signal.aborted ? { message: command.interrupted === undefined ? 'interrupted' : `interrupted; ${command.interrupted}`, code: 'ABORTED' } : error, terminal.json);
    return error instanceof UsageError ? 2 : 1;
  } finally {
    // Nobody reads it any more; a read that waits would keep the process.
    if (args.includes('-')) process.stdin.destroy();
  }
}

/** Nobody reads any more (`lodemap ls store | head`): that is no failure. Anything else is. */
function outputFailed(verb: string, error: NodeJS.ErrnoException, json: boolean): number {
  if (error.code === 'EPIPE') return 0;
  const why = error.code === 'ENOSPC' ? 'no space is left on the device' : error.message;
  report(verb, { message: `could not write to standard output: ${why}`, code: 'IO' }, json);
  return 1;
}

function report(verb: string, error: unknown, json: boolean): void {
  const { message, code, line, column } = error as { message?: string; code?: string; line?: number; column?: number };
  if (json) process.stderr.write(`${JSON.stringify({ error: message ?? String(error), code, line, column })}\n`);
  else process.stderr.write(`lodemap${verb === '' ? '' : ` ${verb}`}: ${message ?? String(error)}${code === undefined ? '' : ` (${code})`}\n`);
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

process.exitCode = await main(process.argv.slice(2));
