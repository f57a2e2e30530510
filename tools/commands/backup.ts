import { takeWords } from '../terminal/command.ts';
import { formatBytes, formatMs } from '../terminal/terminal.ts';
import { withStore } from '../terminal/store.ts';
import type { Command } from '../terminal/command.ts';

export const command: Command = {
  summary: 'Copy a store into a folder while others read and write. The next backup copies only what is new.',
  usage: '<store> <folder>',
  options: { 'trust-kept': { text: 'do not read again what the folder already has' } },
  examples: [
    ['lodemap backup data.store data.backup', 'the folder is empty or has an earlier backup, which stays good until the new one is complete'],
    ['cp -r data.backup data.store', 'restores it: a backup is a store, and the first opening makes its index'],
  ],
  interrupted: 'the earlier backup is unchanged, and the next one uses what was copied',
  async run(call) {
    const { named: [store, folder] } = takeWords(call, ['store', 'folder']);
    const { terminal, signal } = call;
    await withStore(store!, { readOnly: true }, async (map) => {
      const report = await map.backup(folder!, {
        verifyKept: call.options['trust-kept'] !== true,
        signal,
        onProgress: ({ phase, done, total }) => terminal.progress(phase, done, total),
      });
      terminal.endProgress();
      if (terminal.json) return await terminal.report({ ...report });
      await terminal.report({
        copied: formatBytes(report.bytesCopied),
        total: formatBytes(report.bytesTotal),
        'segments copied': report.segmentsCopied,
        'segments kept': report.segmentsKept,
        time: formatMs(report.ms),
      });
    });
  },
};
