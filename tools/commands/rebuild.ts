import { open } from '../../src/index.ts';
import { takeWords } from '../terminal/command.ts';
import { formatMs } from '../terminal/terminal.ts';
import type { Command } from '../terminal/command.ts';

export const command: Command = {
  summary: 'Make the index anew from the log. Nobody else may have the store open.',
  usage: '<store> [--accept-loss]',
  options: {
    'accept-loss': { text: 'take what is left where the end of the log is damaged: it is cut there, and a copy of the segment is kept in <store>/lost' },
  },
  examples: [
    ['lodemap rebuild data.store', 'the log holds every value and every change, the index can always be made again; so can FORMAT'],
    ['lodemap rebuild data.store --accept-loss', 'when a rebuild says that commits were lost, and there is no backup'],
  ],
  async run(call) {
    const { named: [store] } = takeWords(call, ['store']);
    const started = performance.now();
    const map = await open(store!, { create: false, rebuild: call.options['accept-loss'] === true ? 'accept-loss' : true });
    const { entries } = map.stats();
    await map.close();
    const ms = performance.now() - started;
    await call.terminal.report(call.terminal.json ? { entries, ms } : { entries, time: formatMs(ms) });
  },
};
