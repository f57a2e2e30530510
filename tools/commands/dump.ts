import type { LodeMap, RecordDump, RowDump } from '../../src/index.ts';
import { UsageError, takeWords } from '../terminal/command.ts';
import type { Call, Command } from '../terminal/command.ts';
import { formatBytes } from '../terminal/terminal.ts';
import type { Terminal } from '../terminal/terminal.ts';
import { keyTypeOption, readKey, withStore } from '../terminal/store.ts';

const bytesShown = 512;
const rowsShown = 100;

export const command: Command = {
  summary: 'Show one record of the log as it is on the disk, or the row of an entry.',
  usage: '<store> <ref>',
  options: {
    entry: { text: 'the word is a key: show its row and the record it leads to' },
    all: { text: 'show every byte and every operation, however many there are' },
    ...keyTypeOption,
  },
  examples: [
    ['lodemap dump data.store 3:4711', 'the record at offset 4711 of segment 3, as verify names places'],
    ['lodemap dump data.store 12884920680', 'a ref, as links show it'],
    ['lodemap dump data.store user:7 --entry', 'where the value of user:7 is, and its record'],
  ],
  async run(call) {
    const { named: [store, word] } = takeWords(call, ['store', 'ref']);
    const place = call.options['entry'] === true ? { key: readKey(call, word!) } : readPlace(word!);
    await withStore(store!, { readOnly: true }, async (map) => {
      const first = map.dump(place);
      await show(call, first);
      const next = 'key' in place && first.links.length === 1 ? first.links[0] : undefined;
      if (next !== undefined) await show(call, recordAt(map, next.ref));
    });
  },
};

function readPlace(word: string): { ref: number } | { segment: number; offset: number } {
  const match = /^(?:(\d{1,7}):)?(\d{1,16})$/.exec(word);
  if (match === null) throw new UsageError(`expected a ref (a number) or segment:offset, got ${word}; a key needs --entry`);
  return match[1] === undefined ? { ref: Number(match[2]) } : { segment: Number(match[1]), offset: Number(match[2]) };
}

function recordAt(map: LodeMap, ref: number): RecordDump | RowDump {
  return map.dump({ ref });
}

async function show(call: Call, dump: RecordDump | RowDump): Promise<void> {
  const { terminal } = call;
  const all = call.options['all'] === true;
  const { payload, links } = dump;
  if (terminal.json) return await terminal.line(JSON.stringify({ ...dump, payload: hex(payload), ...('operations' in dump && { operations: dump.operations?.map((one) => ({ ...one, key: hex(one.key) })) }) }));
  if ('segment' in dump) {
    const { segment, offset, kind, packed, bytes, hash, commit } = dump;
    await terminal.report({ place: `${segment}:${offset}`, kind: packed ? `${kind}, packed` : kind, 'on disk': formatBytes(bytes), payload: formatBytes(payload.length), ...(hash !== undefined && { hash: hash.toString(16) }) });
    if (commit !== undefined) await terminal.table(Object.entries(commit).map(([name, value]) => [name, String(value)]));
  } else await terminal.report({ 'row of commit': String(dump.sequence), payload: formatBytes(payload.length) });
  const shown = all ? links : links.slice(0, rowsShown);
  if (shown.length > 0) await terminal.table(shown.map(({ segment, offset, hash, ref }, i) => [i, `${segment}:${offset}`, hash.toString(16), String(ref)]), ['link', 'leads to', 'hash', 'ref']);
  if ('operations' in dump && dump.operations !== undefined) {
    await terminal.table((all ? dump.operations : dump.operations.slice(0, rowsShown)).map(({ does, table, key }) => [does, table, printable(key)]), ['does', 'table', 'key']);
  }
  await showBytes(terminal, payload.subarray(0, all ? payload.length : bytesShown));
  if (!all && (payload.length > bytesShown || links.length > rowsShown)) terminal.note('There is more; --all shows it');
}

async function showBytes(terminal: Terminal, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; at += 16) {
    const row = bytes.subarray(at, at + 16);
    await terminal.line(`${at.toString(16).padStart(6, '0')}  ${hex(row).replace(/../g, '$& ').padEnd(48)} ${printable(row)}`);
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function printable(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1').replace(/[^ -~]/g, '.');
}
