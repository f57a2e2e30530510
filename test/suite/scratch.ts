/** Folders for a test's stores. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const folders: string[] = [];

process.on('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
});

/** A new empty folder, removed when the process ends: by then every store in it has been closed. */
export function scratch(): string {
  const folder = mkdtempSync(join(tmpdir(), 'lodemap-test-'));
  folders.push(folder);
  return folder;
}
