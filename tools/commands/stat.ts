import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { open } from '../../src/index.ts';
import type { VacuumReport } from '../../src/index.ts';
import { takeWords } from '../terminal/command.ts';
import { formatBytes, grouped } from '../terminal/terminal.ts';
import { withStore } from '../terminal/store.ts';
import { packageVersion } from '../terminal/package-version.ts';
import type { Call, Command } from '../terminal/command.ts';

export const command: Command = {
  summary: 'Show what a store holds: entries, bytes of log and index, segments, snapshots, the last vacuum and backup, format and versions.',
  usage: '<store> [--live]',
  options: { live: { text: 'also show how much of the log is live and how much a vacuum would find dead; this reads the log' } },
  examples: [
    ['lodemap stat data.store --json', 'every figure, for machines'],
    ['lodemap stat data.store --live', 'is a vacuum worth it?'],
  ],
  async run(call) {
    const { named: [store] } = takeWords(call, ['store']);
    const dead = call.options['live'] === true ? await lookForDead(call, store!) : undefined;
    await withStore(store!, { readOnly: true }, async (map) => {
      const { entries, bytesOnDisk, logBytes, indexBytes, segments, readers } = map.stats();
      const figures: Record<string, number> = { entries, bytesOnDisk, logBytes, indexBytes, segments, snapshots: readers };
      if (dead !== undefined) Object.assign(figures, { liveBytes: dead.bytesAfter, deadBytes: dead.bytesBefore - dead.bytesAfter, liveChunks: dead.chunksLive, deadChunks: dead.chunksDead });
      const facts: Record<string, string> = {
        lastVacuum: changedAt(join(store!, 'segments', 'manifest')) ?? 'never',
        lastBackup: backupNote(store!),
        format: readFileSync(join(store!, 'FORMAT'), 'latin1').trim().split(' ').slice(0, 2).join(' '),
        lodemap: packageVersion(),
        node: process.versions.node,
      };
      if (call.terminal.json) return await call.terminal.report({ ...figures, ...facts });
      await call.terminal.table([
        ...Object.entries(figures).map(([name, value]) => [spoken(name), grouped(value), /bytes/i.test(name) ? formatBytes(value) : '']),
        ...Object.entries(facts).map(([name, text]) => [spoken(name), text, '']),
      ]);
    });
  },
};

/** What a vacuum would find, without one. */
async function lookForDead({ terminal, signal }: Call, store: string): Promise<VacuumReport> {
  const map = await open(store, { create: false });
  try {
    return await map.vacuum({ dryRun: true, signal, onProgress: ({ phase, done, total }) => terminal.progress(phase, done, total) });
  } finally {
    await map.close();
    terminal.endProgress();
  }
}

function changedAt(path: string): string | undefined {
  return statSync(path, { throwIfNoEntry: false })?.mtime.toISOString();
}

/** When and where the last backup was made from here. */
function backupNote(store: string): string {
  try {
    const { at, folder } = JSON.parse(readFileSync(join(store, 'locks', 'backup'), 'utf8')) as { at: string; folder: string };
    return `${at} to ${folder}`;
  } catch {
    return 'never, as far as is known';
  }
}

/** `bytesOnDisk` as `bytes on disk`. */
function spoken(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}
