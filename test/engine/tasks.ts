/** Tasks for the pool's tests. */
import { existsSync, writeFileSync } from 'node:fs';
import { StoreError } from '../../src/base/errors.ts';

export function double(argument: unknown, report: (progress: unknown) => void): number {
  report('half way');
  return 2 * (argument as number);
}

export function pid(): number {
  return process.pid;
}

export function fail(argument: unknown): never {
  if (argument === 'store') throw new StoreError('QUOTA', 'too much', { cause: new RangeError('beneath') });
  throw new TypeError('wrong');
}

/** Dies the first time; `argument` names a file that remembers. */
export function dieOnce(argument: unknown): string {
  if (existsSync(argument as string)) return 'done';
  writeFileSync(argument as string, '');
  process.kill(process.pid, 'SIGKILL');
  return 'not reached';
}

export function die(): void {
  process.exit(3);
}

export async function never(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 60_000));
}
