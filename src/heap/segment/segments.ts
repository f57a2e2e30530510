/**
 * The segments of one store: lists, opens (with a bound on open files), makes and removes them, as the manifest says.
 *
 * When the manifest is replaced, files that it no longer names are put aside for a moment: what was removed from the folder can be read
 * as long as it is open, and somebody may be in the middle of a value that has just been replaced. Those that nobody had open are still in
 * the folder while a stretch of before may need them.
 */
import { StoreError, isStoreError } from '../../base/errors.ts';
import { steadyMs } from '../../base/timers.ts';
import { keepDescriptors } from '../../storage/folder/descriptors.ts';
import type { Storage } from '../../storage/storage.ts';
import type { Ref } from '../chunk.ts';
import { CompactedSegment, ReadAhead } from './compacted-segment.ts';
import { includesOffset, readDeadList, writeDeadList } from './dead-list.ts';
import { isRetired, readManifest, writeManifest } from './manifest.ts';
import type { Manifest } from './manifest.ts';
import { refOffset, refSegment } from './ref.ts';
import { PlainSegment, encodeSegmentHeader, goneError, parseSegmentName, readHeader, segmentFolder, segmentName } from './segment.ts';
import type { OpenSegment, SegmentFile, SegmentHeader } from './segment.ts';

/** More open files than this and the one opened first is closed. */
const openFilesMax = 256;
/** The last ones opened are kept when descriptors run out: somebody may be about to read them. */
const openFilesMin = 4;
/** Replaced files are closed when they have been aside for this long. */
const asideMs = 2000;
/** More files aside than this and the one put there first is closed. */
const asideMax = 64;
const deadListsKept = 16;
/** Copies of segments of which a part was given up. */
export const lostFolder = 'lost';
const noOffsets = new Uint32Array(0);

interface Aside extends SegmentFile {
  readonly segment: OpenSegment;
  readonly since: number;
}

export class Segments {
  readonly #storage: Storage;
  readonly #storeId: Uint8Array;
  readonly #open = new Map<number, OpenSegment>();
  readonly #letGo: () => void;
  readonly #readAhead = new ReadAhead();
  #aside: Aside[] = [];
  #manifest: Manifest;
  /** Has a manifest been written that may not be durable? */
  #isDoubtful = false;
  readonly #dead = new Map<number, Uint32Array>();
  /** The files in the folder since the manifest was read, ascending by generation; undefined until somebody misses one. */
  #folder: SegmentFile[] | undefined;

  constructor(storage: Storage, storeId: Uint8Array) {
    this.#storage = storage;
    this.#storeId = storeId;
    this.#manifest = readManifest(storage);
    this.#letGo = keepDescriptors(() => this.#spare());
  }

  /** The manifest that is in force for this object. */
  get manifest(): Manifest {
    return this.#manifest;
  }

  /** Reads the manifest again: another process has replaced it. */
  reload(): void {
    this.#adopt(readManifest(this.#storage));
  }

  /**
   * Replaces the manifest, durably. The caller holds the commit lock. Throws IO: then whoever looks sees the old one or the new
   * one, and after a loss of power it may be the other; so nothing is a leftover before one has been written well.
   */
  publish(manifest: Manifest): void {
    this.#isDoubtful = true;
    try {
      // What it names must not get lost while it stays.
      this.#storage.syncFolder(segmentFolder);
      writeManifest(this.#storage, manifest);
    } catch (error) {
      this.reload();
      throw error;
    }
    this.#adopt(manifest);
    this.#isDoubtful = false;
  }

  /** Writes the manifest over itself: whoever wrote it may have failed to make it durable. Throws IO. */
  confirm(): void {
    if (this.#manifest.generation > 0) this.publish(this.#manifest);
  }

  /** Closes replaced files that have been aside for long enough. */
  closeAside(): void {
    if (this.#aside.length === 0) return;
    const now = steadyMs();
    const kept = this.#aside.filter(({ since }) => now - since < asideMs);
    for (const one of this.#aside) if (!kept.includes(one)) one.segment.file.close();
    this.#aside = kept;
  }

  /**
   * The ids of the segments up to `last`, ascending. Whoever lists them says where the log ends: behind that there may be one that
   * another process is just making, without a header.
   */
  list(last: number): number[] {
    return this.listFiles().filter((id) => id <= last);
  }

  /** The ids of all segments there are files of, ascending. Needs the commit lock. */
  listFiles(): number[] {
    return this.look().ids;
  }

  /**
   * As `listFiles`, and the highest segment of which there is something that vacuum has made, named by the manifest or not; 0 when there
   * is none.
   */
  look(): { readonly ids: number[]; readonly highestMade: number } {
    const ids = new Set<number>();
    let highestMade = 0;
    for (const name of this.#storage.list(segmentFolder)) {
      const match = /^(\d{8})(-\d+)?\.(?:seg|dead)$/.exec(name);
      if (match === null || this.isRetired(Number(match[1]))) continue;
      if (match[2] !== undefined) highestMade = Math.max(highestMade, Number(match[1]));
      else if (name.endsWith('.seg')) ids.add(Number(match[1]));
    }
    for (const [id, { compacted }] of this.#manifest.segments) if (compacted > 0) ids.add(id);
    return { ids: [...ids].toSorted((a, b) => a - b), highestMade };
  }

  /** Names in the segments' folder that the manifest does not know: what an interrupted vacuum left. */
  leftovers(): string[] {
    if (this.#isDoubtful) return [];
    return this.#storage.list(segmentFolder).filter((name) => {
      const match = /^(\d{8})(?:-(\d+))?\.(seg|dead)$/.exec(name);
      if (match === null) return name.endsWith('.new');
      const id = Number(match[1]);
      const generation = Number(match[2] ?? 0);
      const state = this.#manifest.segments.get(id);
      if (match[3] === 'dead') return state?.dead !== generation;
      if (generation === 0) return this.isRetired(id) || (state?.compacted ?? 0) > 0;
      // Where the file that the manifest names is gone, this one may be all that is left.
      return state?.compacted !== generation && (this.isRetired(id) || this.#storage.exists(this.#nameOf(id)));
    });
  }

  /** The least number the last segment can have, as the manifest has it. */
  leastLast(): number {
    const { marked, segments, retired } = this.#manifest;
    const behindRetired = retired.length === 0 ? 0 : retired.at(-1)!.to + 1;
    return Math.max(marked, behindRetired, ...segments.keys());
  }

  isRetired(id: number): boolean {
    return isRetired(this.#manifest, id);
  }

  /** Opens a segment, or gives the open one. Throws CORRUPT when it is damaged or missing, NOT_FOUND when vacuum has retired it. */
  get(id: number): OpenSegment {
    return this.#open.get(id) ?? this.#openFile(id);
  }

  /** Opens a segment in a file of its own, which the caller closes: for work that goes on while others use the open ones. */
  openAlone(id: number): OpenSegment {
    const { header, compacted } = this.get(id);
    const name = segmentName(id, compacted ? this.#manifest.segments.get(id)?.compacted : 0);
    const own = this.#storage.open(name, 'read');
    if (!compacted) return new PlainSegment(own, header);
    return new CompactedSegment(own, header, { readAhead: new ReadAhead(), former: () => undefined });
  }

  /** Is this chunk live, as far as vacuum has said? See README.md, "Dead is for good". */
  isLive(ref: Ref): boolean {
    const id = refSegment(ref);
    if (id > this.#manifest.marked) return true;
    if (this.isRetired(id)) return false;
    const offset = refOffset(ref);
    const state = this.#manifest.segments.get(id);
    if (state === undefined) return true;
    if (state.dead > 0 && includesOffset(this.deadOffsets(id), offset)) return false;
    if (state.compacted === 0) return true;
    const segment = this.get(id);
    return segment instanceof CompactedSegment && segment.has(offset);
  }

  /** The offsets of a segment's dead chunks that are still in it, ascending. Throws CORRUPT. */
  deadOffsets(id: number): Uint32Array {
    const generation = this.#manifest.segments.get(id)?.dead ?? 0;
    if (generation === 0) return noOffsets;
    const known = this.#dead.get(id);
    if (known !== undefined) return known;
    const list = this.#readDeadList(id, generation);
    if (this.#dead.size >= deadListsKept) this.#dead.delete(this.#dead.keys().next().value!);
    this.#dead.set(id, list);
    return list;
  }

  /** Writes a dead list that no manifest names yet. */
  writeDeadList(id: number, generation: number, offsets: Uint32Array): void {
    writeDeadList(this.#storage, { id, generation }, offsets);
  }

  /** The header of a plain segment, undefined when it is torn or damaged. */
  header(id: number): SegmentHeader | undefined {
    const file = this.#storage.open(this.#nameOf(id), 'read');
    try {
      const header = readHeader(file);
      return header?.id === id ? header : undefined;
    } finally {
      file.close();
    }
  }

  /** The size of a segment's file, whatever is in it. */
  fileBytes(id: number): number {
    return this.#bytesOf(this.#nameOf(id));
  }

  /** Throws NOT_FOUND when a plain segment is open here, but its file was taken away, and by no vacuum. */
  checkInPlace(id: number): void {
    const isGone = (): boolean => this.#open.get(id)?.file.inPlace() === false;
    if (!isGone()) return;
    // A vacuum of another process puts it aside.
    this.reload();
    if (isGone()) throw new StoreError('NOT_FOUND', `The file of segment ${id} was removed or replaced while the store was open: open it again`);
  }

  /** Makes a new segment, durable with its directory entry. */
  create(header: SegmentHeader): OpenSegment {
    const file = this.#storage.open(segmentName(header.id), 'create');
    try {
      file.write(encodeSegmentHeader(header), 0);
      file.sync();
      this.#storage.syncFolder(segmentFolder);
    } catch (error) {
      file.close();
      throw error;
    }
    return this.#keep(header.id, new PlainSegment(file, header));
  }

  /** Copies a segment's file to the folder `lost`, durably. */
  keepCopy(id: number): void {
    const name = this.#nameOf(id);
    this.#storage.createFolder(lostFolder);
    const plain = `${lostFolder}/${name.slice(segmentFolder.length + 1)}`;
    let free = plain;
    for (let n = 2; this.#storage.exists(free); n++) free = `${plain}.${n}`;
    this.#storage.writeAll(free, this.#storage.readAll(name));
    this.#storage.syncFolder('');
  }

  remove(id: number): void {
    this.#open.get(id)?.file.close();
    this.#open.delete(id);
    this.#storage.remove(this.#nameOf(id));
    this.#storage.syncFolder(segmentFolder);
  }

  /** Makes durable which files there are: whoever made one may have died before it did that. Throws CORRUPT when their folder is gone. */
  syncEntries(): void {
    this.#storage.syncFolder('');
    try {
      this.#storage.syncFolder(segmentFolder);
    } catch (error) {
      if (!isStoreError(error, 'NOT_FOUND')) throw error;
      // A store has it from its beginning on.
      throw new StoreError('CORRUPT', `The folder ${segmentFolder} of ${this.#storage.path} is missing, and with it the log`, { cause: error });
    }
  }

  /** Bytes of all files that hold the log: segments, dead lists, manifest; leftovers too. */
  bytes(): number {
    let total = 0;
    for (const name of this.#storage.list(segmentFolder)) total += this.#bytesOf(`${segmentFolder}/${name}`);
    return total;
  }

  close(): void {
    this.#letGo();
    for (const { file } of this.#open.values()) file.close();
    for (const { segment } of this.#aside) segment.file.close();
    this.#open.clear();
    this.#aside = [];
  }

  #readDeadList(id: number, generation: number): Uint32Array {
    try {
      return readDeadList(this.#storage, id, generation);
    } catch (error) {
      if (!isStoreError(error, 'NOT_FOUND')) throw error;
      // Another process may have published meanwhile.
      this.reload();
      if (this.#manifest.segments.get(id)?.dead === generation) throw missing(id, error);
      return this.deadOffsets(id);
    }
  }

  #nameOf(id: number): string {
    return segmentName(id, this.#manifest.segments.get(id)?.compacted);
  }

  /** A file may be removed by a vacuum between being listed and being looked at. */
  #bytesOf(name: string): number {
    try {
      return this.#storage.size(name);
    } catch (error) {
      if (isStoreError(error, 'NOT_FOUND')) return 0;
      throw error;
    }
  }

  #adopt(manifest: Manifest): void {
    const before = this.#manifest;
    if (manifest.generation === before.generation) return;
    this.#manifest = manifest;
    this.#dead.clear();
    this.#readAhead.clear();
    this.closeAside();
    const since = steadyMs();
    this.#folder = undefined;
    for (const [id, segment] of this.#open) {
      const generation = before.segments.get(id)?.compacted ?? 0;
      if (generation === (manifest.segments.get(id)?.compacted ?? 0) && !this.isRetired(id)) continue;
      this.#open.delete(id);
      this.#aside.push({ id, generation, segment, since });
    }
  }

  #openFile(id: number): OpenSegment {
    if (this.isRetired(id)) return this.#former(id, Infinity) ?? gone(id);
    try {
      return this.#openNamed(id, this.#nameOf(id));
    } catch (error) {
      if (!isStoreError(error, 'NOT_FOUND')) throw error;
      // Another process may have published meanwhile.
      const { generation } = this.#manifest;
      this.reload();
      if (generation === this.#manifest.generation) throw missing(id, error);
      return this.isRetired(id) ? (this.#former(id, Infinity) ?? gone(id)) : this.#openNamed(id, this.#nameOf(id));
    }
  }

  #openNamed(id: number, name: string): OpenSegment {
    return this.#keep(id, this.#openChecked(id, name));
  }

  #openChecked(id: number, name: string): OpenSegment {
    const file = this.#storage.open(name, 'write');
    const header = readHeader(file);
    if (header === undefined || header.id !== id) {
      file.close();
      throw new StoreError('CORRUPT', `The header of ${name} is damaged`);
    }
    if (Buffer.compare(header.storeId, this.#storeId) !== 0) {
      file.close();
      throw new StoreError('CORRUPT', `${name} belongs to another store than FORMAT says`);
    }
    const generation = parseSegmentName(name.slice(segmentFolder.length + 1))?.generation ?? 0;
    if (generation > 0 !== (header.placesAt ?? 0) > 0) {
      file.close();
      throw new StoreError('CORRUPT', `${name} is not what the manifest says`);
    }
    if (generation === 0) return new PlainSegment(file, header);
    return new CompactedSegment(file, header, {
      readAhead: this.#readAhead,
      former: () => this.#former(id, generation),
    });
  }

  /** A file of a segment that was replaced by the one of `generation`: open since, or still in the folder. It has all that a later one has. */
  #former(id: number, generation: number): OpenSegment | undefined {
    const aside = this.#aside.findLast((one) => one.id === id && one.generation < generation);
    return aside?.segment ?? this.#openFormer(id, generation);
  }

  #openFormer(id: number, generation: number): OpenSegment | undefined {
    this.#folder ??= this.#listFiles();
    const found = this.#folder.find((one) => one.id === id && one.generation < generation);
    if (found === undefined) return undefined;
    try {
      const segment = this.#openChecked(id, segmentName(id, found.generation));
      this.#aside.push({ ...found, segment, since: steadyMs() });
      if (this.#aside.length > asideMax) this.#aside.shift()!.segment.file.close();
      return segment;
    } catch (error) {
      if (!isStoreError(error, 'NOT_FOUND')) throw error;
      this.#folder = this.#folder.filter((one) => one !== found);
      return undefined;
    }
  }

  #listFiles(): SegmentFile[] {
    const files = this.#storage.list(segmentFolder).map(parseSegmentName);
    return files.filter((one) => one !== undefined).toSorted((a, b) => a.generation - b.generation);
  }

  #keep(id: number, segment: OpenSegment): OpenSegment {
    this.#open.set(id, segment);
    if (this.#open.size > openFilesMax) this.#closeOldest();
    return segment;
  }

  /** The last segment stays: the log holds on to it. */
  #closeOldest(): void {
    const last = Math.max(...this.#open.keys());
    for (const [id, { file }] of this.#open) {
      if (id === last) continue;
      file.close();
      this.#open.delete(id);
      return;
    }
  }

  /** The process has no descriptors left: gives half of these back, first of those that can be opened again. */
  #spare(): boolean {
    if (this.#open.size > openFilesMin) {
      const left = Math.max(openFilesMin, this.#open.size >> 1);
      while (this.#open.size > left) this.#closeOldest();
      return true;
    }
    const spared = this.#aside.splice(0, (this.#aside.length + 1) >> 1);
    for (const { segment } of spared) segment.file.close();
    return spared.length > 0;
  }
}

function gone(id: number): never {
  throw goneError(id);
}

function missing(id: number, cause: unknown): StoreError {
  return new StoreError('CORRUPT', `A file of segment ${id} is missing, and no vacuum has removed it`, { cause });
}
