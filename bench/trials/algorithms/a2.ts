import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { memory, timedAsync } from '../../measure.ts';
import { Random } from '../../random.ts';
import { makeRecord } from '../../record.ts';
import type { FileSorter } from '../../sort-file.ts';
import type { Scene, Trial } from '../../trial.ts';

const budgetBytes = 256 << 20;

/**
 * From one file of JSON Lines to another, by `score`, with 256 MiB. `lines` sorts the lines as they are, with a function that
 * parses them; `two` works in two processes. DuckDB and GNU sort use all processors as they like. The time of each record.
 */
export const trial: Trial = {
  id: 'A2',
  title: 'sort 2,000,000 JSONL records by a field, file to file',
  data: 'lines',
  subjects: ['lodemap', 'lodemap:lines', 'lodemap:two', 'gnu-sort', 'duckdb'],
  units: { record: 'time', VmHWM: 'size' },
  goals: [
    { figure: 'record', peer: 'gnu-sort', rule: 'at least', must: 0.3, aim: 1 },
    { figure: 'record', peer: 'duckdb', rule: 'at least', must: 0.1, aim: 0.3 },
  ],
  async prepare({ folder, sizes }) {
    await mkdir(folder, { recursive: true });
    const lines = function* (): Generator<string> {
      const random = new Random(sizes.seed);
      for (let i = 0; i < 2 * sizes.listItems; i++) yield `${JSON.stringify(makeRecord(i, random))}\n`;
    };
    await pipeline(Readable.from(lines()), createWriteStream(join(folder, 'lines.jsonl')));
  },
  async run(scene) {
    const { driver, folder, sizes } = scene;
    const [input, output] = [join(folder, 'lines.jsonl'), join(folder, 'sorted.jsonl')];
    const nanoseconds = await timedAsync(async () => {
      if ('sortFile' in driver) {
        await (driver as unknown as FileSorter).sortFile({ input, output, folder, budgetBytes, field: 'score', separator: ':', position: 5 });
      } else await sortOurs(scene, input, output);
    });
    return { figures: { record: nanoseconds / (2 * sizes.listItems), VmHWM: memory().highWater }, check: await checkOf(output) };
  },
};

async function sortOurs({ variant, folder }: Scene, input: string, output: string): Promise<void> {
  const { Stream } = await import('lodemap/stream');
  if (variant === 'lines') {
    const scoreOf = (line: string): number => (JSON.parse(line) as { score: number }).score;
    const sorted = Stream.fromFile(input).sort({ by: scoreOf, budgetBytes, tmpdir: folder });
    await pipeline(Readable.from(sorted.map((line) => `${line}\n`)), createWriteStream(output));
    return;
  }
  const processes = variant === 'two' ? 2 : 1;
  await Stream.fromJSONL(input).sort({ by: 'score', budgetBytes, tmpdir: folder, processes }).toJSONL(output);
}

/** Every 1,001st score in order: ties may come in any order. */
async function checkOf(file: string): Promise<number> {
  let check = 0;
  let index = 0;
  for await (const line of createInterface({ input: createReadStream(file) })) {
    if (index++ % 1001 === 0) check = (check * 31 + (JSON.parse(line) as { score: number }).score * 1000) % 2 ** 32;
  }
  return Math.round(check);
}
