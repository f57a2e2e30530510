/** A module that names a key for other processes. */
export function cityOf(row: { readonly addr: { readonly city: string } }): string {
  return row.addr.city;
}

export function keyOf(row: { readonly key: number }): number {
  return row.key;
}
