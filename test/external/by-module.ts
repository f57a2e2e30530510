/** A module that names a key for other processes. */
export function cityOf(row: { readonly addr: { readonly city: string } }): string {
  return row.addr.city;
}

export function keyOf(row: { readonly key: number }): number {
  return row.key;
}

export function throwing(): never {
  throw new RangeError('of the key');
}

/** Takes its time, in one piece. */
export function slow(row: { readonly key: number }): number {
  const until = performance.now() + 1;
  while (performance.now() < until);
  return row.key;
}

export function dying(): never {
  process.kill(process.pid, 'SIGKILL');
  throw new Error('not reached');
}
