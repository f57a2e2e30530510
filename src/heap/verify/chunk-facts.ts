/**
 * What there is to know of every chunk of the log, by place, in pages: its kind and content hash, and of nodes of trees what their parents
 * say of them. Pages are filled in the order of the log, are sorted by that, and go to a file when they grow past a budget.
 */
import type { Ref } from '../chunk.ts';
import type { ScratchFolder } from './spill-lists.ts';
import type { StorageFile } from '../../storage/storage.ts';

/** What a chunk is to those that link to it, beyond its kind. What does not apply is 0. */
export interface ChunkFacts {
  /** 0 for leaves and for what is in no tree. */
  readonly level: number;
  /** Items below a node, keys of a shape, bytes of a piece of a blob. */
  readonly count: number;
  /** Smallest and largest key of a node of a keyed tree. */
  readonly first: number;
  readonly last: number;
  /** Slots of each item of a keyed leaf. */
  readonly perItem: number;
  /** Is its end one where only the last node of a level may end? */
  readonly open: boolean;
  /** Its last child, in a tree. */
  readonly lastChild: Ref;
}

export const noFacts: ChunkFacts = { level: 0, count: 0, first: 0, last: 0, perItem: 0, open: false, lastChild: 0 };

const bytesPerChunk = 9;
const bytesPerNode = 38;
const openFlag = 4;

/** Chunks of a stretch of one segment, columns side by side in one buffer. */
export class FactsPage {
  readonly #offsets: Uint32Array;
  readonly #hashes: Uint32Array;
  readonly #kinds: Uint8Array;
  readonly #nodeOffsets: Uint32Array;
  /** Four for each node: count, first, last, last child. */
  readonly #numbers: Float64Array;
  readonly #levels: Uint8Array;
  readonly #flags: Uint8Array;
  readonly buffer: ArrayBuffer;
  readonly capacity: number;
  chunks = 0;
  nodes = 0;

  constructor(capacity: number, buffer: ArrayBuffer = new ArrayBuffer(FactsPage.bytesOf(capacity))) {
    this.capacity = capacity;
    this.buffer = buffer;
    let at = 0;
    const next = (bytes: number): number => (at += bytes) - bytes;
    this.#numbers = new Float64Array(buffer, next(32 * capacity), 4 * capacity);
    this.#offsets = new Uint32Array(buffer, next(4 * capacity), capacity);
    this.#hashes = new Uint32Array(buffer, next(4 * capacity), capacity);
    this.#nodeOffsets = new Uint32Array(buffer, next(4 * capacity), capacity);
    this.#kinds = new Uint8Array(buffer, next(capacity), capacity);
    this.#levels = new Uint8Array(buffer, next(capacity), capacity);
    this.#flags = new Uint8Array(buffer, next(capacity), capacity);
  }

  static bytesOf(capacity: number): number {
    return capacity * (bytesPerChunk + bytesPerNode);
  }

  add(offset: number, hash: number, kind: number): void {
    this.#offsets[this.chunks] = offset;
    this.#hashes[this.chunks] = hash;
    this.#kinds[this.chunks++] = kind;
  }

  addNode(offset: number, facts: ChunkFacts): void {
    const i = this.nodes++;
    this.#nodeOffsets[i] = offset;
    this.#numbers.set([facts.count, facts.first, facts.last, facts.lastChild], 4 * i);
    this.#levels[i] = facts.level;
    this.#flags[i] = facts.perItem | (facts.open ? openFlag : 0);
  }

  /** The index of the chunk at an offset, -1 when none begins there. */
  find(offset: number): number {
    return search(this.#offsets, this.chunks, offset);
  }

  offset(index: number): number {
    return this.#offsets[index]!;
  }

  hash(index: number): number {
    return this.#hashes[index]!;
  }

  kind(index: number): number {
    return this.#kinds[index]!;
  }

  node(offset: number): ChunkFacts {
    const i = search(this.#nodeOffsets, this.nodes, offset);
    if (i < 0) return noFacts;
    const [count, first, last, lastChild] = this.#numbers.subarray(4 * i, 4 * i + 4) as unknown as [number, number, number, number];
    return { level: this.#levels[i]!, count, first, last, lastChild, perItem: this.#flags[i]! & 3, open: this.#flags[i]! >= openFlag };
  }

  /** As small as its content. */
  trimmed(): FactsPage {
    if (this.chunks === this.capacity) return this;
    const page = new FactsPage(this.chunks);
    for (let i = 0; i < this.chunks; i++) page.add(this.#offsets[i]!, this.#hashes[i]!, this.#kinds[i]!);
    for (let i = 0; i < this.nodes; i++) page.addNode(this.#nodeOffsets[i]!, this.node(this.#nodeOffsets[i]!));
    return page;
  }
}

function search(list: Uint32Array, count: number, wanted: number): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (list[middle]! < wanted) low = middle + 1;
    else high = middle;
  }
  return low < count && list[low] === wanted ? low : -1;
}

interface Kept {
  readonly segment: number;
  readonly chunks: number;
  readonly nodes: number;
  page: FactsPage | undefined;
  fileAt: number;
}

/** All pages, numbered in the order of the log. */
export class FactsTable {
  readonly #folder: ScratchFolder;
  readonly #budgetBytes: number;
  readonly #pageChunks: number;
  readonly #pages: Kept[] = [];
  /** Of each segment the offsets at which its pages begin; the first has the number `from`. */
  readonly #starts = new Map<number, { from: number; offsets: number[] }>();
  #segment = 0;
  #open: FactsPage;
  #bytes = 0;
  #file: StorageFile | undefined;
  #fileBytes = 0;

  constructor(folder: ScratchFolder, budgetBytes: number) {
    this.#folder = folder;
    this.#budgetBytes = budgetBytes;
    this.#pageChunks = Math.max(1024, Math.min(100_000, Math.floor(budgetBytes / 4 / FactsPage.bytesOf(1))));
    this.#open = new FactsPage(this.#pageChunks);
  }

  /** How many pages there are. */
  get pages(): number {
    return this.#pages.length;
  }

  begin(segment: number): void {
    this.end();
    this.#segment = segment;
  }

  add(chunk: { offset: number; hash: number; kind: number }, facts: ChunkFacts | undefined): void {
    if (this.#open.chunks === this.#pageChunks) this.end();
    if (this.#open.chunks === 0) this.#beginPage(chunk.offset);
    this.#open.add(chunk.offset, chunk.hash, chunk.kind);
    if (facts !== undefined) this.#open.addNode(chunk.offset, facts);
  }

  /** Ends the page that is being filled: none goes on into another segment. */
  end(): void {
    if (this.#open.chunks === 0) return;
    const page = this.#open.trimmed();
    this.#pages.push({ segment: this.#segment, chunks: page.chunks, nodes: page.nodes, page, fileAt: 0 });
    this.#bytes += page.buffer.byteLength;
    this.#open = page === this.#open ? new FactsPage(this.#pageChunks) : this.#open;
    this.#open.chunks = 0;
    this.#open.nodes = 0;
    if (this.#bytes > this.#budgetBytes) this.#spill();
  }

  /** The number of the page that has, or would have, the chunk at a place; -1 when the segment has none. */
  pageOf(segment: number, offset: number): number {
    const starts = this.#starts.get(segment);
    if (starts === undefined) return -1;
    let low = 0;
    let high = starts.offsets.length;
    while (high - low > 1) {
      const middle = (low + high) >>> 1;
      if (starts.offsets[middle]! <= offset) low = middle;
      else high = middle;
    }
    return starts.from + low;
  }

  segmentOf(page: number): number {
    return this.#pages[page]!.segment;
  }

  /** A page, from memory or the file. Who asks for it again reads it again. */
  page(number: number): FactsPage {
    const kept = this.#pages[number]!;
    if (kept.page !== undefined) return kept.page;
    const bytes = new Uint8Array(FactsPage.bytesOf(kept.chunks));
    this.#file!.read(bytes, 0, bytes.length, kept.fileAt);
    const page = new FactsPage(kept.chunks, bytes.buffer);
    page.chunks = kept.chunks;
    page.nodes = kept.nodes;
    return page;
  }

  close(): void {
    this.#file?.close();
  }

  #beginPage(offset: number): void {
    const starts = this.#starts.get(this.#segment);
    if (starts === undefined) this.#starts.set(this.#segment, { from: this.#pages.length, offsets: [offset] });
    else starts.offsets.push(offset);
  }

  #spill(): void {
    this.#file ??= this.#folder.create('facts');
    for (const kept of this.#pages) {
      if (kept.page === undefined) continue;
      this.#file.write(new Uint8Array(kept.page.buffer), this.#fileBytes);
      kept.fileAt = this.#fileBytes;
      this.#fileBytes += kept.page.buffer.byteLength;
      kept.page = undefined;
    }
    this.#bytes = 0;
  }
}
