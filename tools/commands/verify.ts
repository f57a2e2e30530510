import { open } from '../../src/index.ts';
import type { VerifyReport } from '../../src/index.ts';
import { sizeOption, takeWords } from '../terminal/command.ts';
import type { Call, Command } from '../terminal/command.ts';
import { formatBytes } from '../terminal/terminal.ts';
import { shortJson } from '../../src/stream/json/json-text.ts';
import { withStore } from '../terminal/store.ts';

export const command: Command = {
  summary: 'Read everything and check it: checksums, values, links, index against log. Exit code 1 if something is wrong.',
  usage: '<store> [--repair]',
  options: {
    repair: { text: 'rebuild a wrong index from the log and remove leftovers; says so first and touches nothing else' },
    budget: { value: 'size', text: 'memory it may hold; default 64MiB' },
  },
  examples: [
    ['lodemap verify data.store', 'names every problem with segment, offset and key, and all leftovers'],
    ['lodemap verify data.store --repair', 'repairs what it can and verifies again; exit code 0 if all is sound then'],
    ['lodemap dump data.store 3:4711', 'shows the record at the place that a problem names'],
  ],
  interrupted: 'nothing was changed',
  async run(call) {
    const { named: [store] } = takeWords(call, ['store']);
    let report = await verify(call, store!, { readOnly: true });
    if (call.options['repair'] === true && (report.problems.length > 0 || report.leftovers.length > 0)) report = await repair(call, store!, report);
    await tell(call, report);
    if (!report.ok) process.exitCode = 1;
  },
};

async function verify(call: Call, store: string, { readOnly = false, dropLeftovers = false }): Promise<VerifyReport> {
  const { terminal, signal } = call;
  const budgetBytes = sizeOption(call, 'budget', 64 * 1024);
  let report: VerifyReport | undefined;
  await withStore(store, { readOnly }, async (map) => {
    report = await map.verify({
      ...(budgetBytes !== undefined && { budgetBytes }),
      dropLeftovers,
      signal,
      onProgress: ({ phase, done, total }) => terminal.progress(phase, done, total),
    });
  });
  terminal.endProgress();
  return report!;
}

/** Says what can be done, does it, and verifies again. What is damaged in the log stays as it is. */
async function repair(call: Call, store: string, { problems, leftovers }: VerifyReport): Promise<VerifyReport> {
  const { terminal } = call;
  const damaged = problems.filter(({ code }) => code !== 'INDEX').length;
  const isIndexWrong = problems.length > damaged || leftovers.some(({ code }) => code === 'BUCKET');
  if (damaged > 0) terminal.note(`${damaged} problems of the log can not be repaired: restore a backup, or copy what can be read (lodemap export --skip-bad)`);
  const rebuilds = isIndexWrong && damaged === 0;
  if (rebuilds) terminal.note('repair: rebuilds the index from the log');
  for (const { code, message } of leftovers) {
    if (code !== 'STRANGER' && code !== 'BUCKET') terminal.note(`repair: removes what is left over: ${message}`);
  }
  if (rebuilds) {
    const map = await open(store, { create: false, rebuild: true });
    await map.close();
  }
  await verify(call, store, { dropLeftovers: true });
  return verify(call, store, { readOnly: true });
}

/** A key that JSON can not say becomes the text that `--key-type json` takes for it. */
function asJson({ entry, ...problem }: VerifyReport['problems'][number]): object {
  return entry === undefined ? problem : { ...problem, entry: shortJson(entry) };
}

async function tell({ terminal }: Call, report: VerifyReport): Promise<void> {
  const { ok, chunks, bytes, problems, leftovers } = report;
  if (terminal.json) return await terminal.line(JSON.stringify({ ok, chunks, bytes, problems: problems.map(asJson), leftovers }));
  await terminal.report({ ok: ok ? 'yes' : 'no', chunks, bytes: formatBytes(bytes), problems: problems.length, leftovers: leftovers.length });
  for (const { code, message } of problems) await terminal.line(`${code}  ${message}`);
  for (const { code, message } of leftovers) await terminal.line(`left over: ${code}  ${message}`);
}
