/**
 * Magnitudes of bigints as little-endian bytes. The way through hexadecimal is linear in V8 in both directions (a
 * radix that is a power of two), where shifting byte by byte would be quadratic.
 */

/** The magnitude of `value` without its sign, shortest form, least significant byte first. 0 has no bytes. */
export function bigintBytes(value: bigint): Uint8Array {
  if (value === 0n) return new Uint8Array(0);
  const hex = (value < 0n ? -value : value).toString(16);
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex').reverse();
}

/** The bigint with the magnitude `bytes[start, end)`. */
export function bigintFrom(bytes: Uint8Array, start: number, end: number, negative: boolean): bigint {
  if (start === end) return 0n;
  const hex = Buffer.from(bytes.subarray(start, end)).reverse().toString('hex');
  const magnitude = BigInt(`0x${hex}`);
  return negative ? -magnitude : magnitude;
}
