/** Items that sort, group and join take and give: elements of a list in a store, rows of a text; files and standard output. */
import { existsSync, statSync } from 'node:fs';
import { isLazy, StoreError } from '../../src/index.ts';
import type { LodeMap } from '../../src/index.ts';
import type { ColumnType } from '../../src/stream/csv/csv-columns.ts';
import { csvPieces, jsonPieces } from '../../src/stream/file/export-text.ts';
import { nearestName } from '../../src/stream/nearest-name.ts';
import { Stream } from '../../src/stream/stream.ts';
import { StreamRun } from '../../src/stream/stream-run.ts';
import type { By, ExternalStats } from '../../src/external/index.ts';
import { countOption, textOption, textOptions, UsageError } from './command.ts';
import type { Call, Option } from './command.ts';
import { Input, inputOptions } from './input.ts';
import type { Item, Reading } from './input.ts';
import { fieldOf, keyBy } from './key-of.ts';
import { parseJson } from '../../src/stream/json/json-numbers.ts';
import { follow, keyTypeOption, readKey, withStore } from './store.ts';
import { formatBytes, formatMs, grouped } from './terminal.ts';

type Format = 'csv' | 'jsonl';

/** Options that sort, group and join have in common. */
export const itemOptions: Readonly<Record<string, Option>> = {
  output: { value: 'file', short: 'o', text: 'write to this file (.csv, .tsv or .jsonl; add .gz to pack it) instead of standard output' },
  ...inputOptions,
  budget: { value: 'size', text: 'memory for the items, such as 64MB; default: about the square root of their number' },
  processes: { value: 'n', text: 'processes to use; default 1' },
  tmpdir: { value: 'folder', text: 'folder for what does not fit in memory' },
  ...keyTypeOption,
};

/** Items and what is known of them: the fields of all of them once they have come, or before where their text has a header. */
export class Items {
  readonly format: Format;
  /** What separates fields of the CSV they come from. */
  readonly delimiter: string | undefined;
  /** Bytes of their file. */
  readonly size: number | undefined;
  readonly isText: boolean;
  readonly #source: { readonly input?: Input; readonly list?: readonly Item[] };
  readonly #seen = new Set<string>();
  #stream: Stream<Item> | undefined;
  /** Fields that must be there; of items without a header those that no item has had so far. */
  #wanted: readonly string[] = [];

  constructor(source: { readonly input?: Input; readonly list?: readonly Item[] }) {
    this.#source = source;
    this.isText = source.input?.format === 'csv';
    this.format = this.isText ? 'csv' : 'jsonl';
    this.delimiter = source.input?.header?.delimiter;
    this.size = source.input?.size;
    for (const name of source.input?.header?.columns ?? []) this.#seen.add(name);
  }

  /** All fields: of the header, or of all items that have come. */
  get columns(): readonly string[] {
    if (!this.isText && this.#wanted.length > 0) this.#checkWanted();
    return [...this.#seen];
  }

  /** Malformed lines that were left out. */
  get skipped(): number {
    return this.#stream?.skipped ?? 0;
  }

  /** Names that an option gives: each time it is given names with commas between them, one column's name as it is, or a JSON array. */
  fields(call: Call, option: string): string[] {
    return textOptions(call, option).flatMap((text) => fieldsOf(text, option, this.isText ? this.#seen : new Set()));
  }

  /**
   * The items, which have the fields `wanted`: else a UsageError says what there is, before they are read or when all have come. With `listing` the
   * fields of all are gathered as they pass.
   */
  stream(wanted: readonly string[], { types = {}, listing = false }: { types?: Readonly<Record<string, ColumnType>>; listing?: boolean } = {}): Stream<Item> {
    this.#wanted = wanted;
    const { input, list } = this.#source;
    const stream = input?.items(types) ?? Stream.from(list!);
    this.#stream = stream;
    if (this.isText) {
      if (input!.header !== undefined) this.#checkWanted();
      return stream;
    }
    const isKnown = wanted.every((field) => this.#beginsWith(field));
    return listing || !isKnown ? stream.tap((item) => this.#see(item)) : (this.#wanted = [], stream);
  }

  /** Of what was made of all items: before the first comes it is known whether any had the fields that are wanted. */
  checked<T>(stream: Stream<T>): Stream<T> {
    if (this.isText || this.#wanted.length === 0) return stream;
    let isFirst = true;
    return stream.tap(() => {
      if (isFirst) this.#checkWanted();
      isFirst = false;
    });
  }

  /** Has one of the first items the field? */
  #beginsWith(field: string): boolean {
    const { input, list } = this.#source;
    if (list !== undefined) return list.slice(0, 100).some((item) => fieldOf(item, field) !== undefined);
    const lines = input!.beginning.toString('utf8').split(/[\r\n]+/, 100);
    return lines.some((line) => {
      try {
        return fieldOf(parseJson(line), field) !== undefined;
      } catch {
        return false;
      }
    });
  }

  #see(item: Item): void {
    if (typeof item !== 'object' || item === null || Array.isArray(item)) return;
    for (const name of Object.keys(item)) this.#seen.add(name);
    if (this.#wanted.length > 0) this.#wanted = this.#wanted.filter((field) => fieldOf(item, field) === undefined);
  }

  #checkWanted(): void {
    const names = [...this.#seen];
    // Of what items have, only fields that none had are left.
    const missing = this.isText ? this.#wanted.find((field) => !this.#seen.has(field)) : this.#wanted[0];
    if (missing === undefined || (!this.isText && names.length === 0)) return;
    throw new UsageError(`there is no ${this.isText ? 'column' : 'field'} ${JSON.stringify(missing)}${nearestName(missing, names)}`);
  }
}

function fieldsOf(text: string, option: string, columns: ReadonlySet<string>): string[] {
  if (columns.has(text)) return [text];
  if (/^\s*\[/.test(text)) {
    let names: unknown;
    try {
      names = JSON.parse(text);
    } catch {
      names = undefined;
    }
    if (Array.isArray(names) && names.length > 0 && names.every((name) => typeof name === 'string')) return names as string[];
    throw new UsageError(`--${option}: expected names, or a JSON array of names; got ${text}`);
  }
  const fields = text.split(',').map((field) => (columns.has(field) ? field : field.trim()));
  if (fields.includes('')) throw new UsageError(`--${option}: expected fields with commas between them`);
  return fields;
}

/** The options of the algorithms. */
export function spillOptions(call: Call): { budgetBytes?: number; processes?: number; tmpdir?: string } {
  const [budget, processes, tmpdir] = [textOption(call, 'budget'), countOption(call, 'processes'), textOption(call, 'tmpdir')];
  const [, amount, unit = ''] = /^(\d+(?:\.\d+)?)\s*([kmg]?)(?:i?b)?$/i.exec(budget ?? '1') ?? [];
  const budgetBytes = Number(amount) * units[unit.toLowerCase()]!;
  if (budget !== undefined && !(budgetBytes >= 65536)) throw new UsageError(`--budget: expected a size of at least 64KB such as 64MB, got ${budget}`);
  if (processes === 0) throw new UsageError('--processes: expected at least 1');
  return { ...(budget !== undefined && { budgetBytes }), ...(processes !== undefined && { processes }), ...(tmpdir !== undefined && { tmpdir }) };
}

const units: Readonly<Record<string, number>> = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 };

/** The key of an item by fields. `text`: numbers are compared as their digits; `isPlain`: a field as it is will do, which is faster. */
export function keyFor(call: Call, items: Items, { fields, text = false, isPlain = false }: { fields: readonly string[]; text?: boolean; isPlain?: boolean }): By<Item> {
  const numbers = call.options['numbers'] === true && items.isText;
  return isPlain && fields.length === 1 && !items.isText ? fields[0]! : keyBy({ fields, blank: items.isText, numbers, text });
}

/** Opens what the words name (a store, a key and a path in it; a file; or standard input), hands it over, and closes it. */
export async function withItems(call: Call, words: readonly string[], use: (items: Items) => Promise<void>): Promise<void> {
  const [place, key, ...path] = words;
  if (place === undefined) throw new UsageError('expected a file, - for standard input, or a store and the key of a list');
  if (!isStore(place)) {
    if (key !== undefined) throw new UsageError(`expected one file, got another word: ${key}`);
    await use(await textItems(call, place));
    return;
  }
  if (key === undefined) throw new UsageError(`${place} is a store: expected the key of a list in it`);
  await withStore(place, { readOnly: true }, async (map) => use(listItems(call, map, [key, ...path])));
}

export function isStore(place: string): boolean {
  return place !== '-' && existsSync(place) && statSync(place).isDirectory();
}

/** The list at a key and a path. */
export function listItems(call: Call, map: LodeMap, [key, ...path]: readonly string[]): Items {
  const list = follow(map, readKey(call, key!), path);
  if (!isLazy(list) || !Array.isArray(list)) throw new UsageError(`${[key, ...path].join(' ')} is no list`);
  return new Items({ list: list as Item[] });
}

/** The rows of a file or of standard input. */
export async function textItems(call: Call, place: string, reading: Reading = {}): Promise<Items> {
  return new Items({ input: await Input.open(call, place, new StreamRun({ signal: call.signal }), { ...reading, isRows: true }) });
}

/** How items are written: their format where the output does not say, the columns of CSV (asked for when the first row comes), what separates them. */
export interface Writing {
  readonly format: Format;
  readonly columns: () => readonly string[] | undefined;
  readonly delimiter?: string | undefined;
  /** Bytes of the files that are read. */
  readonly size?: number | undefined;
}

/** Where the call wants its output, and in which format. */
export function outputOf(call: Call, { format, delimiter = ',' }: Pick<Writing, 'format' | 'delimiter'>): { file?: string; format: Format; delimiter: string } {
  const file = textOption(call, 'output');
  if (file === undefined) return { format: call.terminal.json ? 'jsonl' : format, delimiter };
  const extension = /\.(csv|tsv|jsonl|ndjson)(?:\.gz)?$/i.exec(file)?.[1]?.toLowerCase();
  if (extension === undefined) throw new UsageError(`--output: expected a file that ends in .csv, .tsv or .jsonl (and .gz), got ${file}`);
  if (extension === 'tsv') return { file, format: 'csv', delimiter: '\t' };
  // What was separated by tabs is not, in a file that says commas.
  return { file, format: extension === 'csv' ? 'csv' : 'jsonl', delimiter: delimiter === '\t' ? ',' : delimiter };
}

/** Writes items where the call wants them; gives their number. */
export async function writeItems(call: Call, stream: Stream<unknown>, writing: Writing): Promise<number> {
  const { terminal, signal } = call;
  const { file, format, delimiter } = outputOf(call, writing);
  const { columns, size } = writing;
  const onProgress = ({ phase, done, bytes }: { phase: string; done: number; bytes?: number }): void => {
    const share = phase === 'read' && size !== undefined && bytes !== undefined ? { done: bytes, total: size } : { done };
    terminal.progress(`${grouped(done)} ${phase === 'read' ? 'in' : 'out'}`, share.done, 'total' in share ? share.total : undefined);
  };
  if (file !== undefined) return format === 'csv' ? stream.toCSV(file, { signal, onProgress, columns, delimiter }) : stream.toJSONL(file, { signal, onProgress });
  let rows = 0;
  const pieces = format === 'csv' ? csvPieces({ columns, delimiter }) : jsonPieces();
  for await (const piece of pieces(stream.batches({ signal, onProgress }))) {
    if (piece.text.length > 0) await terminal.write(typeof piece.text === 'string' ? piece.text : Buffer.from(piece.text).toString());
    rows += piece.rows;
  }
  return rows;
}

/** Reports a run whose result went to a file; on standard output the result is all there is. */
export async function reportRun(call: Call, { rows, since, stats, skipped }: { rows: number; since: number; stats: ExternalStats | undefined; skipped: number }): Promise<void> {
  if (skipped > 0) call.terminal.note(`${grouped(skipped)} malformed lines were left out`);
  if (textOption(call, 'output') === undefined) return;
  const ms = Math.round(performance.now() - since);
  const { items = 0, runs = 0, passes = 0, spilledBytes = 0, peakItems = 0 } = stats ?? {};
  if (call.terminal.json) await call.terminal.report({ rows, items, ms, runs, passes, spilledBytes, peakItems, skipped });
  else await call.terminal.report({ items, rows, time: formatMs(ms), 'most items held': peakItems, spilled: `${formatBytes(spilledBytes)} in ${grouped(runs)} runs` });
}

/** A name that is none of `taken`: itself, or with a number behind it. */
export function freeName(name: string, taken: ReadonlySet<string>): string {
  for (let number = 0; ; number++) {
    const free = number === 0 ? name : `${name}_${number}`;
    if (!taken.has(free)) return free;
  }
}

/** Sets a field, whatever it is called. */
export function put(row: Item, name: string, value: unknown): void {
  if (name === '__proto__') Object.defineProperty(row, name, { value, enumerable: true, configurable: true, writable: true });
  else row[name] = value;
}

/** Throws where two files are to be read from one standard input. */
export function checkOneInput(places: readonly string[]): void {
  if (places.filter((place) => place === '-').length > 1) throw new StoreError('UNSUPPORTED', 'standard input can be one side only');
}
