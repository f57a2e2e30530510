/** Is this key the canonical form of an array index? JavaScript puts such keys before all others, ascending. */
export function isIndexKey(key: string): boolean {
  const code = key.charCodeAt(0);
  if (!(code >= 0x30 && code <= 0x39) || key.length > 10) return false;
  const index = Number(key);
  return index >>> 0 === index && index < 0xffff_ffff && String(index) === key;
}
