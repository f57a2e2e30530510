import { countOption, shareOption, sizeOption, takeWords } from '../terminal/command.ts';
import { formatBytes, formatMs } from '../terminal/terminal.ts';
import { withStore } from '../terminal/store.ts';
import type { Command } from '../terminal/command.ts';

export const command: Command = {
  summary: 'Free the space of values that nothing reaches any more, while others read and write.',
  usage: '<store>',
  options: {
    'dry-run': { text: 'only say what would be freed' },
    processes: { value: 'n', text: 'processes that rewrite segments; default 1' },
    budget: { value: 'size', text: 'memory it may hold; default 64MiB' },
    'sparse-below': { value: 'share', text: 'rewrite segments of which less than this share is live; default 0.8' },
    'max-rate': { value: 'size', text: 'read and write at most this much per second' },
  },
  examples: [
    ['lodemap vacuum data.store', 'frees space and says how much; Ctrl-C stops it and keeps what was freed by then'],
    ['lodemap vacuum data.store --dry-run', 'says what it would free'],
    ['lodemap vacuum data.store --max-rate 20MB', 'beside other work that must not slow down'],
  ],
  interrupted: 'the space freed so far stays free',
  async run(call) {
    const { named: [store] } = takeWords(call, ['store']);
    const { terminal, signal } = call;
    const [processes, budgetBytes] = [countOption(call, 'processes'), sizeOption(call, 'budget', 64 * 1024)];
    const [sparseBelow, maxBytesPerSecond] = [shareOption(call, 'sparse-below'), sizeOption(call, 'max-rate')];
    await withStore(store!, { create: false }, async (map) => {
      const report = await map.vacuum({
        dryRun: call.options['dry-run'] === true,
        ...(processes !== undefined && { processes }),
        ...(budgetBytes !== undefined && { budgetBytes }),
        ...(sparseBelow !== undefined && { sparseBelow }),
        ...(maxBytesPerSecond !== undefined && { maxBytesPerSecond }),
        signal,
        onProgress: ({ phase, done, total, bytes }) => terminal.progress(phase, done, total, bytes),
      });
      terminal.endProgress();
      if (terminal.json) return await terminal.report({ ...report });
      const { bytesBefore, bytesAfter } = report;
      await terminal.report({
        before: formatBytes(bytesBefore),
        after: formatBytes(bytesAfter),
        won: formatBytes(Math.max(0, bytesBefore - bytesAfter)),
        'chunks live': report.chunksLive,
        'chunks dead': report.chunksDead,
        'segments compacted': report.segmentsCompacted,
        'segments dropped': report.segmentsDropped,
        'cells dropped': report.cellsDropped,
        time: formatMs(report.ms),
        memory: formatBytes(report.peakBytes),
      });
    });
  },
};
