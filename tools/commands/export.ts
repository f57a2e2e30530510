import { choiceOption, takeWords } from '../terminal/command.ts';
import { jsonText, shortJson } from '../terminal/json-text.ts';
import { follow, keyTypeOption, readKey, withStore } from '../terminal/store.ts';
import type { Key, LodeMap } from '../../src/index.ts';
import type { Call, Command } from '../terminal/command.ts';

export const command: Command = {
  summary: 'Write a store as JSON to standard output: all entries of one moment, or what a path leads to.',
  usage: '<store> [key] [path...] [--format jsonl|json]',
  options: {
    ...keyTypeOption,
    format: { value: 'format', text: 'json (default): one object, or an array where the keys are 0, 1, 2 ...; jsonl: a line {"key","value"} for each entry, or an element of a list' },
  },
  examples: [
    ['lodemap export data.store > data.json', 'what `lodemap import` takes back'],
    ['lodemap export data.store users --format jsonl', 'the list users, one element a line'],
  ],
  async run(call) {
    const { named: [store], rest: [word, ...path] } = takeWords(call, ['store'], true);
    const format = choiceOption(call, 'format', ['json', 'jsonl']) ?? 'json';
    const looseness = { loose: 0 };
    await withStore(store!, { readOnly: true }, async (map) => {
      const lines = word === undefined
        ? entryLines(map, format, looseness)
        : valueLines(follow(map, readKey(call, word), path), format, looseness);
      await print(call, lines);
    });
    if (looseness.loose > 0) call.terminal.note(`${looseness.loose} values that JSON cannot say were written as what comes nearest`);
  },
};

type Pieces = Generator<string, void, undefined>;

const writeLength = 64 * 1024;

/** Gathers pieces before it writes: an entry is often smaller than a write is dear. */
async function print({ terminal, signal }: Call, pieces: Pieces): Promise<void> {
  let text = '';
  for (const piece of pieces) {
    text += piece;
    if (text.length < writeLength) continue;
    signal.throwIfAborted();
    await terminal.write(text);
    text = '';
  }
  await terminal.write(text);
}

function* entryLines(map: LodeMap, format: 'json' | 'jsonl', looseness: { loose: number }): Pieces {
  using snapshot = map.snapshot();
  if (format === 'jsonl') {
    for (const [key, value] of snapshot.entries()) {
      yield `{"key":${shortJson(key)},"value":`;
      yield* jsonText(value, 0, looseness);
      yield '}\n';
    }
    return;
  }
  const isArray = countsFromZero(snapshot.keys());
  let before = isArray ? '[\n' : '{\n';
  for (const [key, value] of snapshot.entries()) {
    yield isArray ? before : `${before}${JSON.stringify(typeof key === 'string' ? key : shortJson(key))}:`;
    yield* jsonText(value, 0, looseness);
    before = ',\n';
  }
  yield `${before === ',\n' ? '\n' : before}${isArray ? ']' : '}'}\n`;
}

function* valueLines(value: unknown, format: 'json' | 'jsonl', looseness: { loose: number }): Pieces {
  if (format === 'jsonl' && Array.isArray(value)) {
    for (const element of value as unknown[]) {
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
