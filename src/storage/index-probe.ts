import { findOwnFile } from '../base/own-file.ts';

/** Runs in the child: opens the index and touches every row. The path of the door comes as an argument. */
const probe = `
  const [door, folder] = process.argv.slice(1);
  const { openLmdbIndex } = await import(door);
  const { tables } = await import(new URL('./index-store.js', door).href);
  const index = openLmdbIndex(folder, { create: false });
  for (const table of tables) {
    let counted = 0, start;
    for (;;) {
      const rows = index.range(table, { start, startExclusive: start !== undefined, limit: 1000 });
      if (rows.length === 0) break;
      counted += rows.length;
      start = rows.at(-1)[0];
    }
    if (counted !== index.count(table)) process.exit(3);
  }
  await index.close();
`;

/**
 * Can the index in `folder` be opened and all of it be read? A damaged one can abort the process that opens it, so a child
 * process tries first. False also when it took longer than `timeoutMs` (default 30 s). The caller holds the exclusive open
 * lock. Nothing can be tried where the library was bundled: false. True does not mean that every row is right: LMDB has no checksums.
 */
export async function probeIndex(folder: string, options: { timeoutMs?: number } = {}): Promise<boolean> {
  const door = findOwnFile('storage/lmdb-index')?.href;
  if (door === undefined) return false;
  const { spawn } = await import('node:child_process');
  const child = spawn(process.execPath, ['--input-type=module', '-e', probe, door, folder], {
    stdio: 'ignore',
    timeout: options.timeoutMs ?? 30_000,
    killSignal: 'SIGKILL',
    // Without the parent's options: a debugger or a preloaded module has no business in the child.
    env: { ...process.env, NODE_OPTIONS: '' },
  });
  return await new Promise((resolve) => {
    child.once('error', () => resolve(false));
    child.once('exit', (code) => resolve(code === 0));
  });
}
