import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { bytesOnDisk, timedAsync } from '../measure.ts';
import { prepareRecords } from '../record.ts';
import type { Trial } from '../trial.ts';

const commandLine = fileURLToPath(new URL('../../tools/cli.js', import.meta.url));

/** The index is deleted and `lodemap rebuild` makes it from the log; the start of the process is in the time. */
export const trial: Trial = {
  id: 'T11',
  title: 'lodemap rebuild: bytes of the log per second',
  data: 'records',
  subjects: ['lodemap'],
  units: { rate: 'rate', rebuild: 'time', log: 'size' },
  goals: [{ figure: 'rate', rule: 'at least', must: 100e6, aim: 300e6 }],
  scratch: true,
  prepare: prepareRecords,
  async run(scene) {
    const log = bytesOnDisk(join(scene.folder, 'segments'));
    await rm(join(scene.folder, 'index'), { recursive: true });
    const rebuild = await timedAsync(() => promisify(execFile)(process.execPath, [commandLine, 'rebuild', scene.folder]));
    const store = await scene.open();
    const found = store.get(scene.key(scene.sizes.records - 1)) !== undefined;
    await store.close();
    if (!found) throw new Error('The rebuilt store lacks its last record');
    return { figures: { rate: log / (rebuild / 1e9), rebuild, log } };
  },
};
