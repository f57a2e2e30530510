import { StoreError } from '../../src/index.ts';
import type { LodeMap } from '../../src/index.ts';
import { choiceOption, takeWords, textOption, UsageError } from '../terminal/command.ts';
import { inferTypes } from '../load/infer-types.ts';
import { load } from '../load/load.ts';
import { partsOf } from '../load/source.ts';
import { nearestName } from '../../src/stream/nearest-name.ts';
import { StreamRun } from '../../src/stream/stream-run.ts';
import { formatBytes, formatMs, grouped } from '../terminal/terminal.ts';
import { Input, inputOptions } from '../terminal/input.ts';
import { showKey, withStore } from '../terminal/store.ts';
import type { FormatError } from '../../src/stream/format-error.ts';
import type { JsonPart } from '../../src/stream/json/json-scan.ts';
import type { Loaded, Placing } from '../load/load.ts';
import type { Call, Command } from '../terminal/command.ts';

const importCacheBytes = 16 * 2 ** 20;

export const command: Command = {
  summary: 'Import JSON, JSON Lines or CSV, of any size. Members of a root object become entries. Elements become entries\nunder 0, 1, 2 ... or under one of their fields, or together one list.',
  usage: '<store> <file.json|jsonl|csv|-> [--key field] [--as list --name k [--append|--replace]]',
  options: {
    key: { value: 'field', text: 'use the value of this field as the key of each element (a.b for a field inside another)' },
    as: { value: 'list', text: 'make one list of all elements' },
    name: { value: 'k', text: 'the key of that list' },
    append: { text: 'add to the existing list' },
    replace: { text: 'replace what is there with the new list' },
    infer: { text: 'infer the types of CSV columns from the first rows, and print them' },
    ...inputOptions,
  },
  examples: [
    ['lodemap import data.store users.jsonl --key id', 'one entry per user, under its id; creates the store if it is not there'],
    ['zcat rows.csv.gz | lodemap import data.store - --as list --name rows', 'one list of all rows; their first bytes tell the format'],
    ['lodemap import data.store rows.csv --types id=bigint,when=date,zip=text --key id', 'columns that are not text'],
  ],
  async run(call) {
    const { named: [store, file] } = takeWords(call, ['store', 'file']);
    const placing = readPlacing(call);
    const started = performance.now();
    const run = new StreamRun({ signal: call.signal });
    const input = await Input.open(call, file!, run);
    checkKeyColumn(input, placing);
    const bad: FormatError[] = [];
    // What is imported is not read again: a small cache does, whatever the size.
    await withStore(store!, { create: true, cacheBytes: importCacheBytes }, async (map) => {
      const before = map.size;
      let sofar: Loaded = { entries: 0, elements: 0 };
      const parts = withProgress(readParts(call, input, bad), () => {
        call.terminal.progress(`${grouped(sofar.elements || sofar.entries)} in`, run.bytes, input.size);
      });
      try {
        const options = { placing, append: checkList(call, map, placing), signal: call.signal, onRun: (loaded: Loaded): void => void (sofar = { ...loaded }) };
        sofar = await load(map, parts, options);
      } catch (error) {
        if (sofar.entries > 0) call.terminal.note(`stopped after ${grouped(sofar.elements || sofar.entries)}; what came before is in the store`);
        throw error;
      }
      const replaced = placing.by === 'list' ? 0 : Math.max(0, sofar.entries - (map.size - before));
      await report(call, { ...sofar, entries: sofar.entries - replaced, replaced, skipped: bad.length, bytes: run.bytes, ms: Math.max(1, Math.round(performance.now() - started)), bytesOnDisk: map.stats().bytesOnDisk });
    });
  },
};

function readPlacing(call: Call): Placing {
  const [field, as, name] = [textOption(call, 'key'), choiceOption(call, 'as', ['list']), textOption(call, 'name')];
  if (as === undefined && name !== undefined) throw new UsageError('--name names the list of --as list');
  if (as !== undefined && name === undefined) throw new UsageError('--as list needs --name: the key of the list');
  if (as !== undefined && field !== undefined) throw new UsageError('--key makes entries, --as list makes one list: choose one');
  if (as === undefined && (call.options['append'] === true || call.options['replace'] === true)) throw new UsageError('--append and --replace are for --as list');
  if (call.options['append'] === true && call.options['replace'] === true) throw new UsageError('--append adds to a list, --replace replaces it: choose one');
  if (name !== undefined) return { by: 'list', name };
  return field === undefined ? { by: 'position' } : { by: 'field', path: field.split('.'), name: field };
}

/** A list that is there is not replaced unasked. True when it is to be added to. */
function checkList(call: Call, map: LodeMap, placing: Placing): boolean {
  if (placing.by !== 'list' || call.options['replace'] === true || !map.has(placing.name)) return false;
  if (call.options['append'] !== true) throw new StoreError('CONFLICT', `there is an entry ${showKey(placing.name)} already: --append adds to it, --replace replaces it`);
  if (!Array.isArray(map.get(placing.name))) throw new StoreError('CONFLICT', `the entry ${showKey(placing.name)} is no list: --replace replaces it`);
  return true;
}

function checkKeyColumn(input: Input, placing: Placing): void {
  if (placing.by !== 'field' || input.header === undefined || input.header.columns.includes(placing.name)) return;
  throw new UsageError(`--key: ${input.name} has no column ${JSON.stringify(placing.name)}${nearestName(placing.name, input.header.columns)}`);
}

function readParts(call: Call, input: Input, bad: FormatError[]): AsyncGenerator<JsonPart, void, undefined> {
  const onBadLine = (error: FormatError): void => void bad.push(error);
  let { csv } = input;
  if (call.options['infer'] === true) {
    const types = { ...inferTypes(input.beginning, csv), ...csv.types };
    const said = (input.header?.columns ?? []).map((name) => `${name}=${Object.hasOwn(types, name) ? types[name] : 'text'}`).join(',');
    call.terminal.note(`--types ${said}`);
    csv = { ...csv, types };
  }
  const skips = call.options['skip-bad'] === true || csv.ragged === 'skip';
  const { onError: _, encoding: __, ...dialect } = csv;
  return partsOf(input.chunks(), { file: input.name, format: input.format, csv: dialect, numbers: call.options['numbers'] === true, ...(skips && { onBadLine }) });
}

async function* withProgress(parts: AsyncIterable<JsonPart>, onPart: () => void): AsyncGenerator<JsonPart, void, undefined> {
  for await (const part of parts) {
    onPart();
    yield part;
  }
}

async function report(call: Call, { entries, replaced, elements, skipped, bytes, ms, bytesOnDisk }: Loaded & Record<'replaced' | 'skipped' | 'bytes' | 'ms' | 'bytesOnDisk', number>): Promise<void> {
  if (call.terminal.json) return await call.terminal.report({ entries, replaced, elements, skipped, bytes, ms, bytesOnDisk });
  await call.terminal.report({
    entries,
    ...(replaced > 0 && { replaced }),
    ...(elements > 0 && { elements }),
    ...(skipped > 0 && { skipped }),
    read: formatBytes(bytes),
    time: `${formatMs(ms)}, ${formatBytes(bytes / (ms / 1000))}/s`,
    'store on disk': formatBytes(bytesOnDisk),
  });
}
