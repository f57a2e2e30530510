import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { open } from 'lodemap';
import { bytesOnDisk, timedAsync } from '../../measure.ts';
import { prepareRecords } from '../../record.ts';
import type { Trial } from '../../trial.ts';

const commandLine = fileURLToPath(new URL('../../../lib/cli.js', import.meta.url));

/**
 * The index is deleted and `lodemap rebuild` makes it from the log. The same of a store with one entry is the start of the process and
 * an open and close: it is shown, and not in the rate.
 */
export const trial: Trial = {
  id: 'T11',
  title: 'lodemap rebuild: bytes of the log per second',
  data: 'records',
  subjects: ['lodemap'],
  units: { rate: 'rate', rebuild: 'time', start: 'time', log: 'size' },
  goals: [{ figure: 'rate', rule: 'at least', must: 100e6, aim: 300e6 }],
  scratch: true,
  prepare: prepareRecords,
  async run(scene) {
    const log = bytesOnDisk(join(scene.folder, 'segments'));
    await rm(join(scene.folder, 'index'), { recursive: true });
    const small = join(scene.folder, 'small');
    const other = await open(small);
    await other.set('one', 1).close();
    const start = await timedRebuild(small);
    const rebuild = await timedRebuild(scene.folder);
    const store = await scene.open();
    const found = store.get(scene.key(scene.sizes.records - 1)) !== undefined;
    await store.close();
    if (!found) throw new Error('The rebuilt store lacks its last record');
    return { figures: { rate: log / ((rebuild - start) / 1e9), rebuild, start, log } };
  },
};

function timedRebuild(folder: string): Promise<number> {
  return timedAsync(() => promisify(execFile)(process.execPath, [commandLine, 'rebuild', folder]));
}
