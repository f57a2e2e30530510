import { takeWords } from '../terminal/command.ts';
import { formatBytes, grouped } from '../terminal/terminal.ts';
import { withStore } from '../terminal/store.ts';
import type { Command } from '../terminal/command.ts';

export const command: Command = {
  summary: 'What a store holds: entries, bytes on disk, segments, readers.',
  usage: '<store>',
  options: {},
  examples: [['lodemap stat data.store --json', 'every figure, for machines']],
  async run(call) {
    const { named: [store] } = takeWords(call, ['store']);
    await withStore(store!, { readOnly: true }, async (map) => {
      const stats = Object.entries(map.stats()).filter((pair): pair is [string, number] => typeof pair[1] === 'number');
      if (call.terminal.json) return await call.terminal.report(Object.fromEntries(stats));
      await call.terminal.table(stats.map(([name, value]) => [spoken(name), grouped(value), /bytes/i.test(name) ? formatBytes(value) : '']));
    });
  },
};

/** `bytesOnDisk` as `bytes on disk`. */
function spoken(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}
