import { spawn } from 'node:child_process';
import { open } from '../../src/index.ts';
import { takeWords } from '../terminal/command.ts';
import { formatMs } from '../terminal/terminal.ts';
import type { Call, Command } from '../terminal/command.ts';

/** Set in the process that does the work. */
const workerMark = 'LODEMAP_REBUILD_WORKER';

export const command: Command = {
  summary: 'Rebuild the index from the log. Nobody else may have the store open.',
  usage: '<store> [--accept-loss]',
  options: {
    'accept-loss': { text: 'if the end of the log is damaged, cut it off there; a copy of the segment is kept in <store>/lost' },
  },
  examples: [
    ['lodemap rebuild data.store', 'the log holds every value and every change, so the index and FORMAT can always be rebuilt'],
    ['lodemap rebuild data.store --accept-loss', 'if a rebuild says that commits were lost and there is no backup'],
  ],
  interrupted: 'the store is as it was before',
  async run(call) {
    const { named: [store] } = takeWords(call, ['store']);
    if (process.env[workerMark] === undefined) return await runApart(call, store!);
    const started = performance.now();
    const map = await open(store!, { create: false, rebuild: call.options['accept-loss'] === true ? 'accept-loss' : true });
    const { entries } = map.stats();
    await map.close();
    const ms = Math.round(performance.now() - started);
    await call.terminal.report(call.terminal.json ? { entries, ms } : { entries, time: formatMs(ms) });
  },
};

/**
 * Reading the log leaves a process no time to hear of an interruption. So another one does it, which may be killed at any moment: the
 * index that was there stays until the new one is whole. What it leaves goes when the store is opened.
 */
async function runApart(call: Call, store: string): Promise<void> {
  const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], { env: { ...process.env, [workerMark]: '1' }, stdio: ['ignore', 'inherit', 'inherit'] });
  const stop = (): void => void child.kill('SIGKILL');
  call.signal.addEventListener('abort', stop, { once: true });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', resolve);
  });
  call.signal.removeEventListener('abort', stop);
  if (call.signal.aborted || code === null) {
    const map = await open(store, { create: false });
    await map.close();
  }
  call.signal.throwIfAborted();
  process.exitCode = code ?? 1;
}
