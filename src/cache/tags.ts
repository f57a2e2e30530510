/**
 * Tags. An entry bears, for each of its tags, the tag's version from before its value was made; it counts only while that is
 * still the version. Invalidating is one commit whatever the number of entries, and it reaches values that are being computed or
 * set by others at that moment: they bear the old version. The space comes back when the entries are swept (sweeper.ts).
 *
 * A version is a random number rather than a count, so that none comes back after `clear`.
 */
import type { Store } from '../map/store.ts';
import { noTags } from './envelope.ts';
import type { TagVersion } from './envelope.ts';
import { RowKind } from './rows.ts';
import type { Rows } from './rows.ts';

/** Tags whose versions are kept in memory. */
const knownMax = 10_000;

export class Tags {
  readonly #store: Store;
  readonly #rows: Rows;
  readonly #known = new Map<string, number>();
  #epoch = -1;

  constructor(store: Store, rows: Rows) {
    this.#store = store;
    this.#rows = rows;
  }

  /** The tags with the versions they have now. */
  capture(tags: readonly string[] | undefined): readonly TagVersion[] {
    if (tags === undefined || tags.length === 0) return noTags;
    return tags.map((tag) => [tag, this.#version(tag)] as const);
  }

  /** Are all of an entry's tags what they were? */
  hold(tags: readonly TagVersion[]): boolean {
    for (const [tag, version] of tags) if (this.#version(tag) !== version) return false;
    return true;
  }

  invalidate(tag: string): void {
    const version = Math.random();
    this.#rows.change(() => this.#rows.put([RowKind.tag, tag], version));
    this.#known.set(tag, version);
  }

  forget(): void {
    this.#known.clear();
  }

  #version(tag: string): number {
    this.#store.enter();
    if (this.#epoch !== this.#store.epoch || this.#known.size > knownMax) {
      this.#known.clear();
      this.#epoch = this.#store.epoch;
    }
    let version = this.#known.get(tag);
    if (version !== undefined) return version;
    const row = this.#rows.get([RowKind.tag, tag]);
    version = typeof row === 'number' ? row : 0;
    this.#known.set(tag, version);
    return version;
  }
}
