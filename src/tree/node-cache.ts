/**
 * The cache of decoded tree nodes, by bytes.
 *
 * A page is a decoded node that outlives its content: when the cache evicts it, it only drops what it decoded and fills
 * itself again from its link at the next touch. So parents and handles may keep pointers to pages for as long as they
 * like; pointers are the fast way down a tree, and only the cache decides what memory they hold.
 *
 * Eviction is a clock (second chance): a touch is one store to `used`, not a move in a list.
 */
import type { Link } from '../heap/chunk.ts';

/** A decoded node. Its class fills and drops the content; the cache does the counting. */
export abstract class Page {
  readonly link: Link;
  /** Set by whoever reads the content. */
  used = true;
  /** What the content holds in memory while it is filled, about. */
  bytes = 0;
  /** Where the cache keeps it; -1 while the content is dropped. */
  slotInCache = -1;

  constructor(link: Link) {
    this.link = link;
  }

  /** Forgets the content. */
  abstract drop(): void;
}

/** More pages than this are not waited for. */
const pendingMax = 64;

/** Filled pages, found by ref (placed chunks) or by their chunk (pending ones). Holds at most about its budget. */
export class NodeCache {
  readonly #budget: () => number;
  readonly #ring: Page[] = [];
  readonly #byRef = new Map<number, Page>();
  readonly #byChunk = new WeakMap<Link, Page>();
  /** Pages of chunks that had no place when they were filled: once a chunk has one, its page is found by it. */
  #pending: Page[] = [];
  #bytes = 0;
  #hand = 0;

  /** `budget` says how many bytes may be held now: other caches share the memory. */
  constructor(budget: () => number) {
    this.#budget = budget;
  }

  /** What the filled pages hold, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The page of this link, if there is one. */
  find(link: Link): Page | undefined {
    if (link.ref === 0) return this.#byChunk.get(link);
    if (this.#pending.length > 0) this.#settle();
    return this.#byRef.get(link.ref);
  }

  /** Takes in a page that has just been filled, and evicts others to keep to the budget. */
  add(page: Page): void {
    page.used = true;
    page.slotInCache = this.#ring.push(page) - 1;
    if (page.link.ref === 0) {
      this.#byChunk.set(page.link, page);
      if (this.#pending.push(page) > pendingMax) this.#pending = [];
    } else this.#byRef.set(page.link.ref, page);
    this.#bytes += page.bytes;
    this.#evictDown(page);
  }

  /** Evicts what goes beyond the budget, now that it is smaller. */
  fit(): void {
    this.#evictDown();
  }

  /** Evicts everything. */
  clear(): void {
    for (const page of this.#ring.slice()) this.#evict(page);
  }

  #evictDown(kept?: Page): void {
    const budget = this.#budget();
    while (this.#bytes > budget && this.#ring.length > 1) this.#turn(kept);
  }

  /** Whoever was just written is read next, often: it need not be decoded again. */
  #settle(): void {
    const pending = this.#pending;
    let left = 0;
    for (const page of pending) {
      if (page.link.ref === 0) pending[left++] = page;
      else if (page.slotInCache >= 0 && !this.#byRef.has(page.link.ref)) this.#byRef.set(page.link.ref, page);
    }
    pending.length = left;
  }

  /** One step of the clock; the page that has just been added stays. */
  #turn(kept: Page | undefined): void {
    if (this.#hand >= this.#ring.length) this.#hand = 0;
    const page = this.#ring[this.#hand]!;
    if (!page.used && page !== kept) {
      this.#evict(page);
      return;
    }
    page.used = false;
    this.#hand++;
  }

  #evict(page: Page): void {
    const last = this.#ring.pop()!;
    if (last !== page) {
      this.#ring[page.slotInCache] = last;
      last.slotInCache = page.slotInCache;
    }
    page.slotInCache = -1;
    this.#bytes -= page.bytes;
    if (this.#byRef.get(page.link.ref) === page) this.#byRef.delete(page.link.ref);
    this.#byChunk.delete(page.link);
    page.drop();
  }
}
