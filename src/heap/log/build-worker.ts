/**
 * The thread behind `build-thread.ts`: builds the records of batches of entries, one after the other. It touches no file and
 * takes no lock; what it makes is used, or not, by the thread that asked.
 */
import { parentPort } from 'node:worker_threads';
import { BatchBuilder } from './batch-builder.ts';
import type { BatchSums } from './batch-builder.ts';
import { ChunkKind } from '../chunk.ts';
import { Dictionary } from '../segment/dictionary.ts';
import { EntryBatch } from '../rows/entry-batch.ts';
import type { BatchPlaces, EntryBatchParts } from '../rows/entry-batch.ts';
import { contentHashIn } from '../hash.ts';

/** A batch to be built. `dictionary`: the bytes of its words, undefined where they are those of the batch before. */
export interface BuildRequest {
  readonly parts: EntryBatchParts;
  readonly place: { readonly segment: number; readonly seed: number; readonly offset: number };
  readonly dictionary: Uint8Array | 'none' | undefined;
}

/** Its records, and where the chunks of its entries are. */
export interface BuildReply extends BatchPlaces {
  readonly bytes: Uint8Array;
  readonly sums: BatchSums;
}

const builder = new BatchBuilder();
const batch = new EntryBatch();
let dictionary: Dictionary | undefined;

function build(request: BuildRequest): BuildReply {
  if (request.dictionary === 'none') dictionary = undefined;
  else if (request.dictionary !== undefined) dictionary = new Dictionary(request.dictionary);
  batch.adopt(request.parts);
  builder.begin({ ...request.place, dictionary });
  const kind = ChunkKind.value;
  for (let i = 0; i < batch.count; i++) {
    if (!batch.isChunk(i)) continue;
    const { bytes } = batch.out;
    const links = batch.links(i);
    const range = { start: batch.start(i), end: batch.end(i) };
    batch.placed(i, builder.addChunk(kind, bytes, range, links), contentHashIn(kind, bytes, range, links));
  }
  for (let i = 0; i < batch.count; i++) builder.addOperation(batch.operation(i));
  builder.endOperations();
  return { bytes: new Uint8Array(builder.written()), sums: builder.sums, ...batch.places };
}

parentPort?.on('message', (request: BuildRequest) => {
  const reply = build(request);
  const buffers = [reply.bytes, reply.refs, reply.hashes].map(({ buffer }) => buffer as ArrayBuffer);
  parentPort!.postMessage(reply, buffers);
});
parentPort?.postMessage('ready');
