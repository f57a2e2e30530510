/**
 * Building the records of a bulk load's batches in a second thread, while this one encodes the next.
 *
 * Packing, checksums and hashes are more work than encoding. They need the place where the batch will lie, which is known
 * for sure only under the commit lock; so it is guessed: behind the log as this process last knew it. The commit uses what was
 * built if the guess was right, else builds it again. Nothing is decided in the thread: without it, or when it
 * fails, batches are built where they are committed, to the same bytes.
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { findOwnFile } from '../../base/own-file.ts';
import type { BatchPlace } from './batch-builder.ts';
import type { BuildReply, BuildRequest } from './build-worker.ts';
import type { Dictionary } from '../segment/dictionary.ts';
import type { EntryBatch, EntryBatchParts } from '../rows/entry-batch.ts';

export class BuildThread {
  #worker: Worker | undefined;
  #ready = false;
  /** What the thread packs with. */
  #dictionary: Dictionary | undefined;
  #answer: ((reply: BuildReply | undefined) => void) | undefined;

  /** Starts the thread, where there is a processor for it. */
  constructor(processors: number = availableParallelism()) {
    if (processors < 2) return;
    const file = findOwnFile('heap/log/build-worker');
    if (file === undefined) return;
    const worker = new Worker(file);
    // Only an answer that is waited for keeps the process alive.
    worker.unref();
    worker.on('message', (message: BuildReply | 'ready') => {
      if (message === 'ready') this.#ready = true;
      else this.#reply(message);
    });
    worker.on('error', () => this.close());
    worker.on('exit', () => this.close());
    this.#worker = worker;
  }

  /** Can it take a batch? */
  get idle(): boolean {
    return this.#ready && this.#answer === undefined;
  }

  /** Builds the records of a batch for `place`: resolves when `batch.built` has them, or when that could not be done. */
  async build(batch: EntryBatch, place: BatchPlace): Promise<void> {
    const worker = this.#worker;
    const parts = batch.parts();
    if (worker === undefined || parts === undefined) return;
    const { segment, seed, offset, dictionary } = place;
    const request: BuildRequest = {
      parts,
      place: { segment, seed, offset },
      dictionary: dictionary === this.#dictionary ? undefined : (dictionary?.bytes ?? 'none'),
    };
    this.#dictionary = dictionary;
    const reply = await new Promise<BuildReply | undefined>((resolve) => {
      this.#answer = resolve;
      worker.ref();
      worker.postMessage(request, buffersOf(parts));
    });
    if (reply === undefined) return;
    batch.places = reply;
    batch.built = { place, bytes: reply.bytes, sums: reply.sums };
  }

  /** Ends the thread; what it was building is not built. */
  close(): void {
    const worker = this.#worker;
    this.#worker = undefined;
    this.#ready = false;
    this.#reply(undefined);
    void worker?.terminate();
  }

  #reply(reply: BuildReply | undefined): void {
    this.#worker?.unref();
    const answer = this.#answer;
    this.#answer = undefined;
    answer?.(reply);
  }
}

function buffersOf({ bytes, starts, valueEnds, keyEnds, chunks }: EntryBatchParts): ArrayBuffer[] {
  return [bytes, starts, valueEnds, keyEnds, chunks].map(({ buffer }) => buffer as ArrayBuffer);
}
