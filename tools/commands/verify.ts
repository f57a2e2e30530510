import { takeWords } from '../terminal/command.ts';
import { formatBytes } from '../terminal/terminal.ts';
import { withStore } from '../terminal/store.ts';
import type { Command } from '../terminal/command.ts';

export const command: Command = {
  summary: 'Read everything and check it: checksums, links, index against log. Exit code 1 when something is wrong.',
  usage: '<store>',
  options: {},
  examples: [['lodemap verify data.store', 'counts chunks and bytes, names every problem']],
  async run(call) {
    const { named: [store] } = takeWords(call, ['store']);
    const { terminal, signal } = call;
    await withStore(store!, { readOnly: true }, async (map) => {
      const { ok, chunks, bytes, problems } = await map.verify({
        signal,
        onProgress: ({ phase, done, total }) => terminal.progress(phase, done, total),
      });
      terminal.endProgress();
      if (terminal.json) await terminal.line(JSON.stringify({ ok, chunks, bytes, problems }));
      else {
        await terminal.report({ ok: ok ? 'yes' : 'no', chunks, bytes: formatBytes(bytes), problems: problems.length });
        for (const { code, message } of problems) await terminal.line(`${code}  ${message}`);
      }
      if (!ok) process.exitCode = 1;
    });
  },
};
