/**
 * Backup: a consistent copy of the log in another folder, made while others read and write.
 *
 * 1. Under the commit lock the end of the log is noted. Then it is synced: what is noted will never change.
 * 2. Segments and dead lists are copied as far as noted, each synced and then read back: every record's checksum, whole batches, sequence numbers that
 *    go on from segment to segment. What the earlier backup has (same name, length and ends) is read, checked against its
 *    noted hash, and linked.
 * 3. The new backup takes the place of the earlier one (`backup-files.ts`).
 *
 * Sealed segments never change, and only a vacuum replaces files: the caller keeps it from running. Stopped or killed anywhere,
 * the earlier backup is as it was, and what had been copied is taken up by the next attempt. Holds a MiB, and reads a segment's batches one
 * after the other.
 */
import { StoreError, isStoreError } from '../../base/errors.ts';
import { setImmediate, steadyMs } from '../../base/timers.ts';
import { hashOf, piecesOf, sizeOf, stagingFolder, writeNote } from './backup-files.ts';
import type { NotedFile } from './backup-files.ts';
import { checkAncestry } from './ancestry.ts';
import { BackupTarget } from './backup-target.ts';
import { formatName, readFormat } from '../format.ts';
import { hashStream } from '../hash.ts';
import type { Heap } from '../heap.ts';
import type { Tail } from '../log/log.ts';
import { scanSegment } from '../log/scan.ts';
import { deadListName, readDeadList } from '../segment/dead-list.ts';
import { manifestName, writeManifest } from '../segment/manifest.ts';
import type { Manifest } from '../segment/manifest.ts';
import { segmentFolder, segmentHeaderBytes, segmentName } from '../segment/segment.ts';
import { Segments } from '../segment/segments.ts';
import type { Progress } from '../verify/verify.ts';
import type { Storage } from '../../storage/storage.ts';

/** How a backup runs. */
export interface BackupOptions {
  /**
   * Read all files of the earlier backup again, and copy damaged ones once more. With `false` a file counts as intact if its
   * name, length, beginning and end are right. Default true.
   */
  readonly verifyKept?: boolean;
  /** Stops it with ABORTED. The earlier backup stays, and the next one uses what was copied. */
  readonly signal?: AbortSignal;
  /** Called from time to time; `done` and `total` are bytes. */
  onProgress?(progress: Progress): void;
}

/** What a backup did. */
export interface BackupReport {
  /** Bytes that were copied. */
  bytesCopied: number;
  /** Bytes of the whole backup. */
  bytesTotal: number;
  /** Segments that were copied. */
  segmentsCopied: number;
  /** Segments that were there already. */
  segmentsKept: number;
  /** Duration in ms. */
  ms: number;
}

export interface BackupParts {
  readonly heap: Heap;
  /** Runs `fn` under the commit lock, waiting for it without blocking. */
  exclusively<T>(fn: () => T): Promise<T>;
}

/** A file that belongs to the state that was noted. `bytes`: as far as it is copied. */
interface PlannedFile {
  readonly name: string;
  readonly bytes: number;
  readonly segment: number;
  /** What it is: a dead list has the generation it was made at. */
  readonly deadSince: number;
  /** The commit with which a segment is to end, or, with retired ones behind it, the last with which it may. */
  readonly sequence: number;
  readonly isExact: boolean;
}

interface Plan {
  readonly tail: Readonly<Tail>;
  readonly made: string;
  readonly manifest: Manifest;
  readonly files: readonly PlannedFile[];
}

const endBytes = 4096;
const pieceBytes = 1024 * 1024;

/** See the head of this file. No vacuum may run. Throws CORRUPT when the store is damaged, and what BackupTarget throws; IO, ABORTED. */
export async function backupHeap(parts: BackupParts, folder: string, options: BackupOptions = {}): Promise<BackupReport> {
  const target = new BackupTarget(folder, storeIdOf(parts.heap));
  try {
    return await new Backup(parts, target, options).run();
  } catch (error) {
    // Of a full disk or a damaged store nothing useful is left.
    if (isStoreError(error, 'IO', 'CORRUPT')) removeQuietly(target);
    throw error;
  } finally {
    target.close();
  }
}

class Backup {
  readonly #heap: Heap;
  readonly #parts: BackupParts;
  readonly #target: BackupTarget;
  readonly #options: BackupOptions;
  readonly #started = steadyMs();
  #done = 0;
  #total = 0;

  constructor(parts: BackupParts, target: BackupTarget, options: BackupOptions) {
    this.#parts = parts;
    this.#heap = parts.heap;
    this.#target = target;
    this.#options = options;
  }

  async run(): Promise<BackupReport> {
    const plan = await this.#parts.exclusively(() => this.#note());
    await this.#heap.sync();
    const { earlier, storage } = this.#target;
    if (earlier !== undefined) checkAncestry(this.#heap, storage, earlier);
    const { staging } = this.#target;
    this.#total = plan.files.reduce((total, { bytes }) => total + bytes, 0);
    this.#dropStrangers(plan);
    const noted: NotedFile[] = [];
    const report = { bytesCopied: 0, bytesTotal: this.#total, segmentsCopied: 0, segmentsKept: 0 };
    if (plan.manifest.generation > 0) noted.push(this.#writeManifest(plan.manifest));
    for (const file of plan.files) {
      const kept = (await this.#keep(file)) ?? (await this.#takeUp(file));
      noted.push(kept ?? (await this.#copy(file)));
      if (kept === undefined) report.bytesCopied += file.bytes;
      if (file.deadSince === 0) report[kept === undefined ? 'segmentsCopied' : 'segmentsKept']++;
    }
    const { tail, made } = plan;
    writeNote(staging, { store: storeIdOf(this.#heap), sequence: tail.sequence, made, files: noted });
    this.#target.publish(this.#heap.storage.readAll(formatName));
    return { ...report, ms: Math.round(steadyMs() - this.#started) };
  }

  /** Under the commit lock: which files hold the state of now, and how far. */
  #note(): Plan {
    const { segments, meta } = this.#heap;
    const { manifest } = segments;
    const { tail } = meta;
    const ids = segments.list(tail.segment);
    const files: PlannedFile[] = [];
    for (const [index, id] of ids.entries()) {
      const state = manifest.segments.get(id);
      const next = ids[index + 1];
      const place = {
        segment: id,
        sequence: next === undefined ? tail.sequence : segments.get(next).header.sequenceBefore,
        isExact: next === undefined || next === id + 1,
      };
      const bytes = id === tail.segment ? tail.offset : segments.fileBytes(id);
      files.push({ ...place, name: fileOf(segmentName(id, state?.compacted)), bytes, deadSince: 0 });
      if (state === undefined || state.dead === 0) continue;
      const name = deadListName(id, state.dead);
      files.push({ ...place, name, bytes: sizeOf(this.#heap.storage, `${segmentFolder}/${name}`), deadSince: state.dead });
    }
    return { tail, made: new Date().toISOString(), manifest, files };
  }

  #writeManifest(manifest: Manifest): NotedFile {
    const { staging } = this.#target;
    writeManifest(staging, manifest);
    const content = staging.readAll(manifestName);
    return { name: fileOf(manifestName), bytes: content.length, hash: hashOf([content]) };
  }

  /** Removes what an interrupted backup has copied and this one does not need. */
  #dropStrangers({ files }: Plan): void {
    const { staging } = this.#target;
    const needed = new Set(files.map(({ name }) => name));
    for (const name of staging.list(segmentFolder)) if (!needed.has(name)) staging.remove(`${segmentFolder}/${name}`);
  }

  /** Takes a file over from the earlier backup. Undefined when it has none, or one that is damaged. */
  async #keep(file: PlannedFile): Promise<NotedFile | undefined> {
    const noted = this.#target.has(file, (storage) => this.#sameEnds(storage, file));
    if (noted === undefined) return undefined;
    if (this.#options.verifyKept !== false && (await this.#hash(this.#target.storage, file, 'verify')) !== noted.hash) return undefined;
    if (!this.#target.keep(file.name)) return undefined;
    this.#done += this.#options.verifyKept === false ? file.bytes : 0;
    return noted;
  }

  /** Takes up what an interrupted backup has copied. Undefined when there is nothing, or not all of it. */
  async #takeUp(file: PlannedFile): Promise<NotedFile | undefined> {
    const { staging } = this.#target;
    const name = `${segmentFolder}/${file.name}`;
    if (sizeOf(staging, name) === file.bytes && this.#sameEnds(staging, file) && this.#damageOf(file) === undefined) {
      return { ...pick(file), hash: await this.#hash(staging, file, 'verify') };
    }
    staging.remove(name);
    return undefined;
  }

  async #copy(file: PlannedFile): Promise<NotedFile> {
    const name = `${segmentFolder}/${file.name}`;
    const { staging } = this.#target;
    const target = staging.open(name, 'create');
    const hash = hashStream(0n);
    let at = 0;
    try {
      for (const piece of piecesOf(this.#heap.storage, name, file.bytes)) {
        target.write(piece, at);
        hash.update(piece);
        at += piece.length;
        await this.#moved('copy', piece.length);
      }
      if (at < file.bytes) throw new StoreError('CORRUPT', `${name} ends at ${at}, but commits reach to ${file.bytes}`);
      await target.syncSoon();
    } finally {
      target.close();
    }
    const noted = { ...pick(file), hash: hash.digest() };
    const damage = this.#damageOf(file);
    if (damage === undefined) return noted;
    if (hashOf(piecesOf(staging, name, file.bytes)) !== noted.hash) {
      throw new StoreError('IO', `What was written to ${staging.path}/${name} reads back differently`);
    }
    throw new StoreError('CORRUPT', `The store is damaged, the backup was not made: ${damage}`);
  }

  /** Says what is wrong with a copied file; undefined when it is sound. */
  #damageOf(file: PlannedFile): string | undefined {
    const copies = new Segments(this.#target.staging, readFormat(this.#heap.storage, false));
    try {
      return file.deadSince > 0 ? damageOfDeadList(this.#target.staging, file) : damageOfSegment(copies, file);
    } catch (error) {
      if (isStoreError(error, 'CORRUPT')) return error.message;
      throw error;
    } finally {
      copies.close();
    }
  }

  async #hash(storage: Storage, file: PlannedFile, phase: string): Promise<string> {
    const hash = hashStream(0n);
    for (const piece of piecesOf(storage, `${segmentFolder}/${file.name}`, file.bytes)) {
      hash.update(piece);
      await this.#moved(phase, piece.length);
    }
    return hash.digest();
  }

  /** Header, which has a number drawn at random, and the last commit are the same: the file is, then, if it is intact. */
  #sameEnds(storage: Storage, { name, bytes }: PlannedFile): boolean {
    const ends = [
      [0, segmentHeaderBytes],
      [Math.max(0, bytes - endBytes), bytes],
    ] as const;
    return ends.every(([from, to]) => {
      const [here, there] = [this.#heap.storage, storage].map((one) => readPart(one, `${segmentFolder}/${name}`, from, to));
      return here!.equals(there!);
    });
  }

  async #moved(phase: string, bytes: number): Promise<void> {
    this.#done += bytes;
    const { signal, onProgress } = this.#options;
    onProgress?.({ phase, done: Math.min(this.#done, this.#total), total: this.#total });
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
    if (signal?.aborted) throw new StoreError('ABORTED', 'The backup was aborted', { cause: signal.reason });
  }
}

/** A name in the segments' folder, without it. */
function fileOf(name: string): string {
  return name.slice(segmentFolder.length + 1);
}

function damageOfDeadList(storage: Storage, { segment, deadSince }: PlannedFile): undefined {
  readDeadList(storage, segment, deadSince);
}

function damageOfSegment(copies: Segments, { name, segment: id, sequence, isExact }: PlannedFile): string | undefined {
  const segment = copies.get(id);
  const end = scanSegment(segment, { offset: segmentHeaderBytes, sequence: segment.header.sequenceBefore }, false, () => undefined);
  if (!end.clean) return `${segmentFolder}/${name} has no intact record at offset ${end.badOffset}`;
  if (isExact ? end.sequence === sequence : end.sequence <= sequence) return undefined;
  return `${segmentFolder}/${name} ends with commit ${end.sequence} instead of ${sequence}`;
}

function pick({ name, bytes }: PlannedFile): { name: string; bytes: number } {
  return { name, bytes };
}

function storeIdOf(heap: Heap): string {
  return Buffer.from(readFormat(heap.storage, false)).toString('hex');
}

function readPart(storage: Storage, name: string, from: number, to: number): Buffer {
  const file = storage.open(name, 'read');
  try {
    const part = Buffer.alloc(Math.min(pieceBytes, to - from));
    return part.subarray(0, file.read(part, 0, part.length, from));
  } finally {
    file.close();
  }
}

function removeQuietly(target: BackupTarget): void {
  try {
    target.storage.removeFolder(stagingFolder);
  } catch {
    // What failed before is what has to be reported.
  }
}
