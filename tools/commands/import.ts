import { choiceOption, takeWords, textOption, UsageError } from '../terminal/command.ts';
import { load } from '../load/load.ts';
import { formatOf, readParts } from '../load/source.ts';
import { formatBytes, formatMs, grouped } from '../terminal/terminal.ts';
import { withStore } from '../terminal/store.ts';
import type { FormatError } from '../../src/stream/format-error.ts';
import type { Loaded, Placing } from '../load/load.ts';
import type { SourceOptions } from '../load/source.ts';
import type { Call, Command } from '../terminal/command.ts';

const importCacheBytes = 16 * 2 ** 20;

export const command: Command = {
  summary: 'Import JSON, JSON Lines or CSV, of any size. Members of a root object become entries; elements become entries\nunder 0, 1, 2 ... or a field of theirs, or one list.',
  usage: '<store> <file.json|jsonl|csv|-> [--key field] [--as list --name k]',
  options: {
    key: { value: 'field', text: 'elements go under the value of this field (a.b for one inside another)' },
    as: { value: 'list', text: 'all elements become one list' },
    name: { value: 'k', text: 'the key of that list' },
    format: { value: 'format', text: 'json, jsonl or csv; otherwise by the name of the file, json for -' },
    delimiter: { value: 'c', text: 'what separates fields of CSV; comma, or tab for .tsv' },
    numbers: { text: 'fields of CSV that are numbers become numbers' },
    'skip-bad': { text: 'leave malformed lines of JSON Lines or CSV out, and count them' },
  },
  examples: [
    ['lodemap import data.store users.jsonl --key id', 'an entry for each user, under its id; creates the store if need be'],
    ['zcat rows.csv.gz | lodemap import data.store - --format csv --as list --name rows', 'one list of all rows'],
  ],
  async run(call) {
    const { named: [store, file] } = takeWords(call, ['store', 'file']);
    const placing = readPlacing(call);
    const bad: FormatError[] = [];
    const source = readSourceOptions(call, file!, bad);
    const started = performance.now();
    let bytes = 0;
    // What is imported is not read again: a small cache does, whatever the size.
    await withStore(store!, { create: true, cacheBytes: importCacheBytes }, async (map) => {
      let sofar: Loaded = { entries: 0, elements: 0 };
      const parts = readParts({
        ...source,
        signal: call.signal,
        onBytes: (done, total) => {
          bytes = done;
          call.terminal.progress(`${grouped(sofar.elements || sofar.entries)} in`, done, total);
        },
      });
      try {
        sofar = await load(map, parts, { placing, signal: call.signal, onRun: (loaded) => void (sofar = { ...loaded }) });
      } catch (error) {
        if (sofar.entries > 0) call.terminal.note(`stopped after ${grouped(sofar.elements || sofar.entries)}; what came before is in the store`);
        throw error;
      }
      await report(call, { ...sofar, skipped: bad.length, bytes, ms: performance.now() - started, bytesOnDisk: map.stats().bytesOnDisk });
    });
  },
};

function readPlacing(call: Call): Placing {
  const [field, as, name] = [textOption(call, 'key'), choiceOption(call, 'as', ['list']), textOption(call, 'name')];
  if (as === undefined && name !== undefined) throw new UsageError('--name names the list of --as list');
  if (as !== undefined && name === undefined) throw new UsageError('--as list needs --name: the key of the list');
  if (as !== undefined && field !== undefined) throw new UsageError('--key makes entries, --as list makes one list: choose one');
  if (name !== undefined) return { by: 'list', name };
  return field === undefined ? { by: 'position' } : { by: 'field', path: field.split('.') };
}

function readSourceOptions(call: Call, file: string, bad: FormatError[]): SourceOptions {
  const format = choiceOption(call, 'format', ['json', 'jsonl', 'csv']) ?? formatOf(file);
  const delimiter = textOption(call, 'delimiter');
  if (format !== 'csv' && (delimiter !== undefined || call.options['numbers'] === true)) throw new UsageError('--delimiter and --numbers are for CSV');
  if (delimiter !== undefined && (delimiter.length !== 1 || /["\r\n]/.test(delimiter))) throw new UsageError('--delimiter: expected one character');
  if (format === 'json' && call.options['skip-bad'] === true) throw new UsageError('--skip-bad is for JSON Lines and CSV: JSON has no lines to skip');
  return {
    file,
    format,
    ...(delimiter !== undefined && { delimiter }),
    numbers: call.options['numbers'] === true,
    ...(call.options['skip-bad'] === true && { onBadLine: (error: FormatError) => void bad.push(error) }),
  };
}

async function report(call: Call, { entries, elements, skipped, bytes, ms, bytesOnDisk }: Loaded & Record<'skipped' | 'bytes' | 'ms' | 'bytesOnDisk', number>): Promise<void> {
  if (call.terminal.json) return await call.terminal.report({ entries, elements, skipped, bytes, ms, bytesOnDisk });
  await call.terminal.report({
    entries,
    ...(elements > 0 && { elements }),
    ...(skipped > 0 && { skipped }),
    read: formatBytes(bytes),
    time: `${formatMs(ms)}, ${formatBytes(bytes / (ms / 1000))}/s`,
    'store on disk': formatBytes(bytesOnDisk),
  });
}
