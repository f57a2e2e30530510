/** Items that sort, group and join take and give: elements of a list in a store, rows of a file; files and standard output. */
import { existsSync, statSync } from 'node:fs';
import { isLazy } from '../../src/index.ts';
import type { LodeMap } from '../../src/index.ts';
import { csvPieces, jsonPieces } from '../../src/stream/file/export-text.ts';
import { Stream } from '../../src/stream/stream.ts';
import type { ExternalStats } from '../../src/external/index.ts';
import { countOption, textOption, UsageError } from './command.ts';
import type { Call, Option } from './command.ts';
import { follow, keyTypeOption, readKey, withStore } from './store.ts';
import { formatBytes, formatMs, grouped } from './terminal.ts';

export type Item = Record<string, unknown>;
type Format = 'csv' | 'jsonl' | 'json';

/** Where items come from, and the format they would be written in. */
export interface Items {
  readonly stream: Stream<Item>;
  readonly format: Format;
  /** The words of the call that say so. */
  readonly words: number;
}

/** Options that sort, group and join have in common. */
export const itemOptions: Readonly<Record<string, Option>> = {
  output: { value: 'file', short: 'o', text: 'write to this file (.csv or .jsonl, .gz to pack it) instead of standard output' },
  numbers: { text: 'fields of CSV that are numbers become numbers' },
  budget: { value: 'size', text: 'memory for the items, such as 64MB; about the square root of all of them otherwise' },
  processes: { value: 'n', text: 'processes to work in; default 1' },
  tmpdir: { value: 'folder', text: 'where to put what does not fit in memory' },
  ...keyTypeOption,
};

const units: Readonly<Record<string, number>> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 };

/** The options of the algorithms. */
export function spillOptions(call: Call): { budgetBytes?: number; processes?: number; tmpdir?: string } {
  const [budget, processes, tmpdir] = [textOption(call, 'budget'), countOption(call, 'processes'), textOption(call, 'tmpdir')];
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)?)\s*([kmg]?)(?:i?b)?$/i.exec(budget ?? '1') ?? [];
  const budgetBytes = Number(amount) * units[unit.toLowerCase()]!;
  if (budget !== undefined && !(budgetBytes >= 65536)) throw new UsageError(`--budget: expected a size of at least 64KB such as 64MB, got ${budget}`);
  if (processes === 0) throw new UsageError('--processes: expected at least 1');
  return { ...(budget !== undefined && { budgetBytes }), ...(processes !== undefined && { processes }), ...(tmpdir !== undefined && { tmpdir }) };
}

/** A field, or several: names with commas between them. */
export function fieldsOption(call: Call, name: string): string[] | undefined {
  const fields = textOption(call, name)?.split(',').map((field) => field.trim());
  if (fields?.includes('') === true) throw new UsageError(`--${name}: expected fields with commas between them`);
  return fields;
}

/** Opens what the words name (a store, a key and a path in it; or a file), hands it over, and closes it. */
export async function withItems(call: Call, words: readonly string[], use: (items: Items) => Promise<void>): Promise<void> {
  const [place, key, ...path] = words;
  if (place === undefined) throw new UsageError('expected a file, or a store and the key of a list');
  if (!isStore(place)) {
    await use(fileItems(call, place));
    return;
  }
  if (key === undefined) throw new UsageError(`${place} is a store: expected the key of a list in it`);
  await withStore(place, { readOnly: true }, async (map) => use(listItems(call, map, [key, ...path])));
}

export function isStore(place: string): boolean {
  return existsSync(place) && statSync(place).isDirectory();
}

/** The list at a key and a path. */
export function listItems(call: Call, map: LodeMap, [key, ...path]: readonly string[]): Items {
  const list = follow(map, readKey(call, key!), path);
  if (!isLazy(list) || !Array.isArray(list)) throw new UsageError(`${[key, ...path].join(' ')} is no list`);
  return { stream: Stream.from(list as Item[]), format: 'jsonl', words: 2 + path.length };
}

/** The rows of a file, by its name. */
export function fileItems(call: Call, file: string): Items {
  const extension = /\.(\w+?)(?:\.gz)?$/.exec(file.toLowerCase())?.[1];
  if (extension === 'csv' || extension === 'tsv') {
    const options = { delimiter: extension === 'tsv' ? '\t' : ',', numbers: call.options['numbers'] === true };
    return { stream: Stream.fromCSV(file, options), format: 'csv', words: 1 };
  }
  if (extension === 'jsonl' || extension === 'ndjson') return { stream: Stream.fromJSONL<Item>(file), format: 'jsonl', words: 1 };
  if (extension === 'json') return { stream: Stream.fromJSON<Item>(file), format: 'jsonl', words: 1 };
  throw new UsageError(`${file}: expected a store, or a file that ends in .csv, .tsv, .jsonl or .json (and .gz)`);
}

/** Writes items where the call wants them, and reports what that took. `columns` are those of CSV, where they are known. */
export async function writeItems(call: Call, stream: Stream<unknown>, { format, columns }: { format: Format; columns?: readonly string[] }): Promise<number> {
  const { terminal, signal } = call;
  const output = textOption(call, 'output');
  const onProgress = ({ phase, done }: { phase: string; done: number }): void => terminal.progress(`${grouped(done)} ${phase === 'read' ? 'in' : 'out'}`, done);
  if (output !== undefined) {
    if (/\.csv(?:\.gz)?$/i.test(output)) return stream.toCSV(output, { signal, onProgress, columns });
    if (!/\.(?:jsonl|ndjson)(?:\.gz)?$/i.test(output)) throw new UsageError(`--output: expected a file that ends in .csv or .jsonl (and .gz), got ${output}`);
    return stream.toJSONL(output, { signal, onProgress });
  }
  let rows = 0;
  const pieces = format === 'csv' && !terminal.json ? csvPieces({ columns }) : jsonPieces();
  for await (const piece of pieces(stream.batches({ signal, onProgress }))) {
    await terminal.write(typeof piece.text === 'string' ? piece.text : Buffer.from(piece.text).toString());
    rows += piece.rows;
  }
  return rows;
}

/** Reports a run whose result went to a file; on standard output the result is all there is. */
export async function reportRun(call: Call, { rows, since, stats }: { rows: number; since: number; stats: ExternalStats | undefined }): Promise<void> {
  if (textOption(call, 'output') === undefined) return;
  const ms = performance.now() - since;
  const { items = 0, runs = 0, passes = 0, spilledBytes = 0, peakItems = 0 } = stats ?? {};
  if (call.terminal.json) await call.terminal.report({ rows, items, ms, runs, passes, spilledBytes, peakItems });
  else await call.terminal.report({ items, rows, time: formatMs(ms), 'most items held': peakItems, spilled: `${formatBytes(spilledBytes)} in ${grouped(runs)} runs` });
}

