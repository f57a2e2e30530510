/**
 * Hashes. The one door to xxhash-wasm.
 *
 * `hash32` is XXH32 (Yann Collet). A hash is a hint and a checksum, never a name: equality is always proven by bytes.
 */
import createHasher from 'xxhash-wasm';
import type { Link } from './chunk.ts';

const hasher = await createHasher();
let forced: number | undefined;

/** XXH32 of `bytes` with `seed`, as an unsigned 32-bit number. About 60 ns for 64 bytes. */
export function hash32(bytes: Uint8Array, seed: number): number {
  return hasher.h32Raw(bytes, seed) >>> 0;
}

/**
 * The content hash of a chunk: its kind, its payload and its children's content hashes. It does not depend on where
 * anything lies, so it survives vacuum, and equal content built anywhere has the same hash.
 */
export function contentHash(kind: number, payload: Uint8Array, links: readonly Link[]): number {
  if (forced !== undefined) return forced;
  let hash = hasher.h32Raw(payload, kind) >>> 0;
  for (let i = 0; i < links.length; i++) hash = (Math.imul(hash ^ links[i]!.hash, 0x9e3779b1) + i) >>> 0;
  return hash;
}

/** Test hook: makes every content hash equal, so that only comparing bytes tells values apart. */
export function forceContentHash(value: number | undefined): void {
  forced = value;
}

/** A streaming 64-bit hash (XXH64) with a seed; `digest` gives 16 hex digits. */
export function hashStream(seed: bigint): { update(bytes: Uint8Array): void; digest(): string } {
  const state = hasher.create64(seed);
  return {
    update: (bytes) => void state.update(bytes),
    digest: () => state.digest().toString(16).padStart(16, '0'),
  };
}
