/** Folders for a test's stores, removed when the test ends. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** What a test context and a suite have in common. */
export interface Ending {
  after(fn: () => void): void;
}

/** A new empty folder that goes when the test is over. */
export function scratch(t: Ending): string {
  const folder = mkdtempSync(join(tmpdir(), 'lodemap-test-'));
  t.after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }));
  return folder;
}
