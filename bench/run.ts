/** The benches' entry: `npm run bench`. Options in options.ts, order of runs in schedule.ts, the table in table.ts. */
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { localDrivers, peersInstalled } from './driver.ts';
import { help, parseOptions } from './options.ts';
import { runPlan } from './schedule.ts';
import { figureTable, judge, ratioTable } from './table.ts';
import type { Options } from './options.ts';
import type { TrialResult } from './schedule.ts';

process.exitCode = await main();

async function main(): Promise<number> {
  let options: Options;
  try {
    options = parseOptions(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${help}`);
    return 2;
  }
  if (options.help) {
    process.stdout.write(help);
    return 0;
  }
  if (options.mode !== 'tiny' && !peersInstalled()) installPeers();
  const results = await runAll(options);
  report(options, results);
  return results.some(({ failures }) => failures.length > 0) ? 1 : 0;
}

function installPeers(): void {
  const folder = fileURLToPath(new URL('../../bench', import.meta.url));
  const { status } = spawnSync('npm', ['ci', '--ignore-scripts', '--prefix', folder], { stdio: ['ignore', 2, 2] });
  if (status !== 0) throw new Error(`npm ci --prefix ${folder} failed: the peers could not be installed`);
}

async function runAll(options: Options): Promise<TrialResult[]> {
  const folder = await mkdtemp(join(options.folder ?? tmpdir(), 'lodemap-bench-'));
  const onStep = (text: string): void => void (process.stderr.isTTY && process.stderr.write(`\r\u001b[K${text}`));
  const allowed = options.mode === 'tiny' ? localDrivers : options.peers;
  const drivers = (name: string): boolean => allowed === undefined || name === 'lodemap' || allowed.includes(name);
  const results: TrialResult[] = [];
  process.once('SIGINT', () => {
    rmSync(folder, { recursive: true, force: true });
    process.exit(130);
  });
  try {
    for await (const result of runPlan({ trials: options.trials, drivers, sizes: options.sizes, folder, onStep })) {
      results.push(result);
    }
  } finally {
    onStep('');
    await rm(folder, { recursive: true, force: true });
  }
  return results;
}

function report({ json, mode, sizes }: Options, results: readonly TrialResult[]): void {
  const verdicts = results.flatMap(judge);
  if (json) {
    const figures = Object.fromEntries(results.map((result) => [result.trial.id, result.figures]));
    const failures = results.flatMap((result) => result.failures);
    process.stdout.write(`${JSON.stringify({ mode, sizes, verdicts, figures, failures }, null, 2)}\n`);
    return;
  }
  const machine = `${cpus().length} x ${cpus()[0]?.model ?? 'unknown processor'}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`;
  const lines = [
    `${machine}; ${mode}, ${sizes.runs} runs each, medians, warm page cache`,
    '',
    ...results.map(({ trial }) => `${trial.id.padEnd(3)}  ${trial.title}`),
    '',
    ratioTable(verdicts),
    '',
    figureTable(results),
    ...results.flatMap(({ failures }) => failures.map((text) => `\nFAILED ${text}`)),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
}
