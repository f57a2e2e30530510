import { readFileSync } from 'node:fs';

/** The version of the package this file is in. */
export function packageVersion(): string {
  // Built to dist/lib/, two folders below package.json.
  return (JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }).version;
}
