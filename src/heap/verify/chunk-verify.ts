/**
 * Chunks and what links to them, within a budget.
 *
 * Going through the log forwards, each chunk is looked into: its hash is calculated, its payload checked, and what it is goes to the table
 * of facts (`chunk-facts.ts`). What each of its links wants goes to a list of the page that the link leads into (`spill-lists.ts`): links
 * lead backwards, so that page is there. Then, page by page from the last to the first, wants are compared with facts. From the
 * last, because a node that must not be the last of its level says so of its last child in turn, which lies before it.
 */
import { contentHash } from '../hash.ts';
import { isStoreError } from '../../base/errors.ts';
import type { ChunkKind, Link, Ref } from '../chunk.ts';
import { RecordKind, unpackRecord, unpackedRecordBytes } from '../segment/record.ts';
import type { RecordFrame } from '../segment/record.ts';
import { linksOfFrame } from '../segment/record-links.ts';
import { makeRef, refOffset, refSegment, segmentBytesLimit } from '../segment/ref.ts';
import { dictionaryOf } from '../segment/segment-dictionary.ts';
import { segmentHeaderBytes, segmentName } from '../segment/segment.ts';
import type { OpenSegment } from '../segment/segment.ts';
import { FactsTable } from './chunk-facts.ts';
import type { FactsPage } from './chunk-facts.ts';
import { Role, anyItems, closedCode, codeOf, misfit, wantAny } from './link-wants.ts';
import type { ChunkCheck, LinkWant } from './link-wants.ts';
import type { Problems } from './problems.ts';
import { SpillLists } from './spill-lists.ts';
import type { ScratchFolder } from './spill-lists.ts';

/** Words of an item: offset, hash, segment and offset of its origin, code, and where there are any count, after, last. */
const shortWords = 6;
const longWords = 12;
const seenSlots = 16_384;
/** Links that lead nowhere are remembered up to this many. */
const earlyMax = 10_000;

interface Place {
  readonly segment: number;
  readonly offset: number;
}

/** The origin of a want that is a row's: there is no segment 0. */
const fromRow: Place = { segment: 0, offset: 0 };

/** What is wanted of a node because it is the last child of another. */
interface EndWant {
  readonly ref: Ref;
  /** The level goes on behind it: it has to end where the rule says, and so has what lies at its end. */
  readonly ends: boolean;
  readonly perItem: number;
}

/** Something leads there, and what is there is wrong. `from` is undefined for a row or a bucket of the index. */
export type BadLink = (place: Place, message: string, role: Role, from: Place | undefined) => void;

export class ChunkVerify {
  readonly #check: ChunkCheck | undefined;
  readonly #problems: Problems;
  readonly #facts: FactsTable;
  readonly #short: SpillLists;
  readonly #long: SpillLists;
  readonly #seen = new Float64Array(seenSlots * 2);
  /** Links that lead nowhere, found before there is anybody to tell. */
  readonly #early: Array<{ place: Place; from: Place & { role: number }; wrong: string }> = [];
  readonly #dead: (segment: number, offset: number) => boolean;
  #unpacked: Buffer = Buffer.allocUnsafeSlow(64 * 1024);
  chunks = 0;

  constructor(parts: {
    folder: ScratchFolder;
    budgetBytes: number;
    problems: Problems;
    check: ChunkCheck | undefined;
    /** Is the chunk there on a list of dead ones? */
    isDead(segment: number, offset: number): boolean;
  }) {
    const { folder, budgetBytes } = parts;
    this.#problems = parts.problems;
    this.#check = parts.check;
    this.#dead = parts.isDead;
    this.#facts = new FactsTable(folder, budgetBytes / 4);
    this.#short = new SpillLists(folder, shortWords, budgetBytes / 4);
    this.#long = new SpillLists(folder, longWords, budgetBytes / 8);
  }

  get pages(): number {
    return this.#facts.pages;
  }

  beginSegment(id: number): void {
    this.#facts.begin(id);
  }

  endSegment(): void {
    this.#facts.end();
  }

  /** Looks into a record of the segment that was begun. False for a chunk that is dead: what it links to may be gone. */
  record(segment: OpenSegment, offset: number, bytes: Buffer, packed: RecordFrame): boolean {
    if (packed.kind >= RecordKind.operations) return true;
    const { id } = segment.header;
    if (this.#dead(id, offset)) return false;
    this.chunks++;
    const frame = packed.packed ? this.#look({ id, offset }, () => this.#unpack(segment, bytes, packed)) : packed;
    if (frame === undefined) return true;
    const out = packed.packed ? this.#unpacked : bytes;
    const links = linksOfFrame(out, frame);
    const kind = frame.kind as ChunkKind;
    const hash = contentHash(kind, out.subarray(frame.start, frame.end), links);
    const checked = this.#look({ id, offset }, () => this.#check?.({ kind, bytes: out, start: frame.start, end: frame.end, links }));
    this.#facts.add({ offset, hash, kind }, checked?.facts);
    const from = { segment: id, offset };
    for (let i = 0; i < links.length; i++) this.#want(links[i]!, checked?.wants[i] ?? wantAny, from);
    return true;
  }

  /** A row of the index links to something. */
  row(link: Link, want: LinkWant): void {
    this.#want(link, want, fromRow);
  }

  /** Compares what links want of the chunks in a page with what these are. From the last page to the first. */
  checkPage(number: number, onBadLink: BadLink): void {
    const page = this.#facts.page(number);
    const segment = this.#facts.segmentOf(number);
    const derived: EndWant[] = [];
    const lists = [this.#short, this.#long];
    for (const list of lists) {
      list.take(number, () => {
        const { words, floats } = list;
        const offset = words[0]!;
        const code = words[4]!;
        const role = code & 15;
        const numbers = list === this.#long ? { count: floats[3]!, after: floats[4]!, last: floats[5]! } : { count: words[5]! - 1, after: -Infinity, last: NaN };
        const index = page.find(offset);
        const wrong = index < 0 ? this.#whyMissing(segment, offset) : wrongOf(page, index, { hash: words[1]!, code, numbers });
        if (wrong !== undefined) this.#bad({ segment, offset }, { segment: words[2]!, offset: words[3]!, role }, wrong, onBadLink);
        else {
          const wanted = { ends: (code & closedCode) !== 0, perItem: (code >> 4) & 3 };
          if (role === Role.end) derived.push({ ref: makeRef(segment, offset, 0), ...wanted });
          else if (wanted.ends || wanted.perItem !== anyItems) derived.push({ ref: page.node(offset).lastChild, ...wanted });
        }
      });
    }
    this.#checkEnds(number, page, derived);
  }

  close(): void {
    this.#facts.close();
    this.#short.close();
    this.#long.close();
  }

  /** Unpacks a record into the buffer for that. */
  #unpack(segment: OpenSegment, bytes: Buffer, packed: RecordFrame): RecordFrame {
    const size = unpackedRecordBytes(bytes, packed);
    if (size > this.#unpacked.length) this.#unpacked = Buffer.allocUnsafeSlow(size * 2);
    return unpackRecord(bytes, packed, dictionaryOf(segment), { out: this.#unpacked, at: 0 });
  }

  /** Nodes that lie at the end of others, which say how. */
  #checkEnds(number: number, page: FactsPage, ends: EndWant[]): void {
    for (let one = ends.pop(); one !== undefined; one = ends.pop()) {
      const { ref, ends: closed, perItem } = one;
      if (ref === 0) continue;
      const segment = refSegment(ref);
      const offset = refOffset(ref);
      const there = this.#facts.pageOf(segment, offset);
      if (there !== number) {
        if (there >= 0) this.#put(there, { ref, hash: 0 }, { ...wantAny, role: Role.end, closed, perItem }, fromRow);
        continue;
      }
      const facts = page.node(offset);
      const where = `The node at offset ${offset} of ${segmentName(segment)}`;
      if (closed && facts.open) this.#problems.add('CORRUPT', `${where} ends where only the last of a level may end`, { segment, offset });
      else if (perItem !== anyItems && facts.level === 0 && facts.perItem !== perItem) {
        this.#problems.add('CORRUPT', `${where} is of another kind of tree: its items have ${facts.perItem} slots instead of ${perItem}`, { segment, offset });
      } else ends.push({ ref: facts.lastChild, ends: closed, perItem });
    }
  }

  #look<T>(place: { id: number; offset: number }, look: () => T): T | undefined {
    try {
      return look();
    } catch (error) {
      if (!isStoreError(error, 'CORRUPT') && !(error instanceof RangeError)) throw error;
      const { id: segment, offset } = place;
      // Without its dictionary, the first record, nothing that is packed can be read.
      const cause = { segment, offset: segmentHeaderBytes };
      this.#problems.add('CORRUPT', `The chunk at offset ${offset} of ${segmentName(segment)}: ${error.message}`, { segment, offset }, cause);
      return undefined;
    }
  }

  #want(link: Link, want: LinkWant, from: Place): void {
    const { ref, hash } = link;
    const key = Math.floor(ref / 16) * 8 + want.role;
    const isPlain = want.role <= Role.shape || want.role === Role.bucket;
    const slot = (Math.floor(ref / 16) & (seenSlots - 1)) * 2;
    if (isPlain && this.#seen[slot] === key && this.#seen[slot + 1] === hash * 4096 + Math.min(want.count + 1, 4095)) return;
    this.#seen[slot] = key;
    this.#seen[slot + 1] = hash * 4096 + Math.min(want.count + 1, 4095);
    const segment = refSegment(ref);
    const offset = refOffset(ref);
    const isBehind = from !== fromRow && segment * segmentBytesLimit + offset >= from.segment * segmentBytesLimit + from.offset;
    const page = isBehind ? -1 : this.#facts.pageOf(segment, offset);
    if (page >= 0) this.#put(page, link, want, from);
    else if (this.#early.length < earlyMax) {
      const wrong = isBehind ? 'it lies behind what links to it' : this.#whyMissing(segment, offset);
      this.#early.push({ place: { segment, offset }, from: { ...from, role: want.role }, wrong });
    }
  }

  /** Reports the links that lead to no page at all. */
  checkStray(onBadLink: BadLink): void {
    for (const { place, from, wrong } of this.#early) this.#bad(place, from, wrong, onBadLink);
    this.#early.length = 0;
  }

  #put(page: number, link: { ref: Ref; hash: number }, want: LinkWant, from: Place): void {
    const isLong = want.role === Role.list || want.role === Role.keyed || want.role === Role.piece;
    const list = isLong ? this.#long : this.#short;
    const { words, floats } = list;
    words[0] = refOffset(link.ref);
    words[1] = link.hash;
    words[2] = from.segment;
    words[3] = from.offset;
    words[4] = codeOf(want);
    words[5] = want.count + 1;
    if (isLong) {
      floats[3] = want.count;
      floats[4] = want.after;
      floats[5] = want.last;
    }
    list.add(page);
  }

  #whyMissing(segment: number, offset: number): string {
    return this.#dead(segment, offset) ? 'vacuum has said that it is dead' : 'there begins no intact record';
  }

  #bad(place: Place, from: Place & { role: number }, wrong: string, onBadLink: BadLink): void {
    const target = `offset ${place.offset} of ${segmentName(place.segment)}: ${wrong}`;
    const { segment, offset, role } = from;
    onBadLink(place, target, role as Role, segment === fromRow.segment ? undefined : from);
    if (segment === fromRow.segment) return;
    this.#problems.add('CORRUPT', `The record at offset ${offset} of ${segmentName(segment)} links to ${target}`, { segment, offset }, place);
  }
}

function wrongOf(
  page: FactsPage,
  index: number,
  wanted: { hash: number; code: number; numbers: { count: number; after: number; last: number } },
): string | undefined {
  const { hash, code, numbers } = wanted;
  if ((code & 15) !== Role.end && page.hash(index) !== hash) {
    return `its content hash is ${page.hash(index).toString(16)}, the link says ${hash.toString(16)}`;
  }
  return misfit(code, numbers, page.kind(index), page.node(page.offset(index)));
}
