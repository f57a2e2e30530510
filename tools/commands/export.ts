import { choiceOption, takeWords, UsageError } from '../terminal/command.ts';
import { jsonText, shortJson } from '../../src/stream/json/json-text.ts';
import { follow, keyTypeOption, readKey, withStore } from '../terminal/store.ts';
import { grouped } from '../terminal/terminal.ts';
import { StoreError } from '../../src/index.ts';
import type { Key, LodeMap, Snapshot } from '../../src/index.ts';
import type { Call, Command } from '../terminal/command.ts';

export const command: Command = {
  summary: 'Write a store as JSON to standard output: all entries as of one moment, or what a path leads to.',
  usage: '<store> [key] [path...] [--format jsonl|json] [--skip-bad]',
  options: {
    ...keyTypeOption,
    'skip-bad': { text: 'leave out damaged entries instead of stopping at the first one' },
    format: { value: 'format', text: 'json (default): one object, or an array where the keys are 0, 1, 2 ...; jsonl: one line per entry {"key","value"}, or per element of a list' },
  },
  examples: [
    ['lodemap export data.store > data.json', '`lodemap import` reads this back'],
    ['lodemap export data.store --skip-bad > left.json', 'what can be read of a damaged store; the keys of the rest are listed, and the exit code is 1'],
    ['lodemap export data.store users --format jsonl', 'the list users, one element per line'],
  ],
  async run(call) {
    const { named: [store], rest: [word, ...path] } = takeWords(call, ['store'], true);
    const format = choiceOption(call, 'format', ['json', 'jsonl']) ?? 'json';
    const skipped: Skipped | undefined = call.options['skip-bad'] === true ? { count: 0, tell: (text) => call.terminal.note(text) } : undefined;
    if (skipped !== undefined && word !== undefined) throw new UsageError('--skip-bad leaves out whole entries: it can not be used with a key');
    const looseness = { loose: 0 };
    await withStore(store!, { readOnly: true }, async (map) => {
      if (word === undefined) {
        const share: Share = { done: 0, total: map.size };
        return await print(call, entryLines(map, { format, skipped, share }, looseness), share);
      }
      const value = follow(map, readKey(call, word), path);
      const share: Share = { done: 0, total: Array.isArray(value) ? value.length : undefined };
      await print(call, valueLines(value, { format, share }, looseness), share);
    });
    if (looseness.loose > 0) call.terminal.note(`${looseness.loose} values that JSON cannot express were written as the nearest thing`);
    if (skipped === undefined || skipped.count === 0) return;
    call.terminal.note(`${skipped.count} entries could not be read and were left out`);
    process.exitCode = 1;
  },
};

type Pieces = Generator<string, void, undefined>;

/** Entries that were left out, of which the first are told. */
interface Skipped {
  count: number;
  tell(text: string): void;
}

/** How many entries, or elements of a list, have been written, and how many there are. */
interface Share {
  done: number;
  readonly total: number | undefined;
}

const skippedTold = 100;

const writeLength = 64 * 1024;

/** Gathers pieces before it writes: an entry is often smaller than a write is dear. */
async function print({ terminal, signal }: Call, pieces: Pieces, share: Share): Promise<void> {
  let text = '';
  for (const piece of pieces) {
    text += piece;
    if (text.length < writeLength) continue;
    signal.throwIfAborted();
    await terminal.write(text);
    terminal.progress(`${grouped(share.done)} out`, share.done, share.total);
    text = '';
  }
  await terminal.write(text);
}

function* entryLines(map: LodeMap, { format, skipped, share }: { format: 'json' | 'jsonl'; skipped: Skipped | undefined; share: Share }, looseness: { loose: number }): Pieces {
  using snapshot = map.snapshot();
  const entries = skipped === undefined ? snapshot.entries() : soundEntries(snapshot, skipped);
  if (format === 'jsonl') {
    for (const [key, value] of entries) {
      share.done++;
      yield `{"key":${shortJson(key)},"value":`;
      yield* jsonText(value, 0, looseness);
      yield '}\n';
    }
    return;
  }
  // What is left out of an array would move all behind it.
  const isArray = skipped === undefined && countsFromZero(snapshot.keys());
  let before = isArray ? '[\n' : '{\n';
  for (const [key, value] of entries) {
    share.done++;
    yield isArray ? before : `${before}${JSON.stringify(typeof key === 'string' ? key : shortJson(key))}:`;
    yield* jsonText(value, 0, looseness);
    before = ',\n';
  }
  yield `${before === ',\n' ? '\n' : before}${isArray ? ']' : '}'}\n`;
}

/** Entries of which everything can be read. Each is read twice: once to know that, before a piece of it is written. */
function* soundEntries(snapshot: Snapshot, skipped: Skipped): Generator<[Key, unknown], void, undefined> {
  const skip = (error: unknown, key: unknown): void => {
    if (skipped.count++ < skippedTold) skipped.tell(`left out: ${key === undefined ? 'an entry whose key can not be read' : shortJson(key)}: ${(error as Error).message}`);
  };
  for (const [key, value] of snapshot.entries({ onError: skip })) {
    const pieces = jsonText(value, 0, { loose: 0 });
    try {
      while (pieces.next().done !== true);
    } catch (error) {
      if (!(error instanceof StoreError) || (error.code !== 'CORRUPT' && error.code !== 'NOT_FOUND')) throw error;
      skip(error, key);
      continue;
    }
    yield [key, value];
  }
}

function* valueLines(value: unknown, { format, share }: { format: 'json' | 'jsonl'; share: Share }, looseness: { loose: number }): Pieces {
  if (format === 'jsonl' && Array.isArray(value)) {
    for (const element of value as unknown[]) {
      share.done++;
      yield* jsonText(element, 0, looseness);
      yield '\n';
    }
    return;
  }
  yield* jsonText(value, 0, looseness);
  yield '\n';
}

/** Are the keys 0, 1, 2 and so on, as an import of an array leaves them? */
function countsFromZero(keys: Iterable<Key>): boolean {
  let next = 0;
  for (const key of keys) if (key !== next++) return false;
  return next > 0;
}
