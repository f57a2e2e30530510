/**
 * Hashes. The one door to xxhash-wasm.
 *
 * `hash32` is XXH32 (Yann Collet). A hash is a hint and a checksum, never a name: equality is always proven by bytes.
 */
import createHasher from 'xxhash-wasm';
import type { XXHashAPI } from 'xxhash-wasm';
import { StoreError } from '../base/errors.ts';
import type { Link } from './chunk.ts';
import { shortHash32 } from './short-hash.ts';

/** Undefined until it has compiled, a few ms after this module was loaded: a module that waits for it could not be required. */
let hasher: XXHashAPI | undefined;
let failure: unknown;
let forced: number | undefined;

const loading = createHasher().then(
  (loaded) => void (hasher = loaded),
  // Where WebAssembly is off (node --jitless) hashes are slower, and no backup can be made.
  (error: unknown) => void (failure = error),
);

/** Resolves when hashes are as fast as they will be. They are right before that too. */
export function hashesReady(): Promise<void> {
  return loading;
}

/** Inputs from this length on are hashed in WebAssembly: 2 GB/s against 0.7, after 150 ns. */
const wasmBytesMin = 256;

/** XXH32 of `bytes[start, end)` with `seed`, as an unsigned 32-bit number. */
export function hash32(bytes: Uint8Array, seed: number, start = 0, end: number = bytes.length): number {
  if (end - start < wasmBytesMin || hasher === undefined) return shortHash32(bytes, start, end, seed);
  return hasher.h32Raw(bytes.subarray(start, end), seed) >>> 0;
}

/**
 * The content hash of a chunk: its kind, its payload and its children's content hashes. It does not depend on where
 * anything lies, so it survives vacuum, and equal content built anywhere has the same hash.
 */
export function contentHash(kind: number, payload: Uint8Array, links: readonly Link[]): number {
  if (forced !== undefined) return forced;
  return withLinks(hash32(payload, kind), links);
}

/** As `contentHash`, of a payload that is a part of `bytes`. */
export function contentHashIn(kind: number, bytes: Uint8Array, range: { start: number; end: number }, links: readonly Link[]): number {
  return forced ?? withLinks(hash32(bytes, kind, range.start, range.end), links);
}

function withLinks(hash: number, links: readonly Link[]): number {
  for (let i = 0; i < links.length; i++) hash = (Math.imul(hash ^ links[i]!.hash, 0x9e3779b1) + i) >>> 0;
  return hash;
}

/** Test hook: makes every content hash equal, so that only comparing bytes tells values apart. */
export function forceContentHash(value: number | undefined): void {
  forced = value;
}

/** As `hash32` of all pieces one after the other; memory for the largest of them, or for all where there is no WebAssembly. */
export function hash32OfPieces(pieces: Iterable<Uint8Array>, seed: number): number {
  if (hasher === undefined) return hash32(Buffer.concat([...pieces]), seed);
  const state = hasher.create32(seed);
  for (const piece of pieces) state.update(piece);
  return state.digest() >>> 0;
}

/** A streaming 64-bit hash (XXH64) with a seed; `digest` gives 16 hex digits. Throws UNSUPPORTED where there is no WebAssembly. */
export function hashStream(seed: bigint): { update(bytes: Uint8Array): void; digest(): string } {
  if (hasher === undefined) throw new StoreError('UNSUPPORTED', 'Backups need WebAssembly, which is off in this process (node --jitless or --no-expose-wasm)', { cause: failure });
  const state = hasher.create64(seed);
  return {
    update: (bytes) => void state.update(bytes),
    digest: () => state.digest().toString(16).padStart(16, '0'),
  };
}
