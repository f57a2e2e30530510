/**
 * Sources in parts, for several processes.
 *
 * A part is named by a function that a module exports, and an argument: any process can call it and gets the items. A list of an
 * open store is a range of its elements, known by the ref of its chunk, so all parts are of one state whatever is written
 * meanwhile. Others say how they are split by themselves (`Flow.split`).
 */
import { pathToFileURL } from 'node:url';
import { ownFile } from '../base/own-file.ts';
import type { Slot } from '../codec/slot/slot.ts';
import { Link } from '../heap/chunk.ts';
import { handleOf, isDraft } from '../lazy/handle.ts';
import type { ListNode } from '../tree/node.ts';
import { show } from '../lazy/proxy.ts';
import { Documents } from '../map/documents.ts';
import { EntryPlace } from '../map/rows/entry-place.ts';
import { storeOf } from '../map/lode-map.ts';
import { open } from '../map/open.ts';
import type { Store } from '../map/store.ts';
import { Flow } from './flow.ts';
import type { SplitPart } from './flow.ts';
import type { Source } from './source.ts';

/** Parts of `source` in its order, about `count`; undefined when other processes can not read it. */
export async function partsOf(source: Source<unknown>, count: number): Promise<readonly SplitPart[] | undefined> {
  if (source instanceof Flow) return (source as Flow<unknown>).split(count);
  const handle = handleOf(source);
  if (handle === undefined || handle.node.kind !== 'list' || isDraft(handle.body())) return undefined;
  const node = handle.body() as ListNode;
  const store = handle.document.store.home as Store;
  // Chunks have their places when they are committed; another process sees what is in the files.
  await store.flush();
  const { bytes, links } = node.slot;
  if (links.some(({ ref }) => ref === 0)) return undefined;
  const part: Omit<ListPart, 'from' | 'to'> = {
    folder: store.heap.storage.path,
    bytes,
    links: links.map(({ ref, hash }) => ({ ref, hash })),
  };
  return Array.from({ length: count }, (_, i) => {
    const [from, to] = [Math.floor((node.length * i) / count), Math.floor((node.length * (i + 1)) / count)];
    return { module: ownFile('external/source-part').href, export: 'openListPart', argument: { ...part, from, to } };
  });
}

/** Opens a part in this process. */
export async function openPart({ module, export: name, argument }: SplitPart): Promise<Source<unknown>> {
  const url = module.startsWith('file:') ? module : pathToFileURL(module).href;
  const loaded = (await import(url)) as Record<string, (argument: unknown) => Source<unknown> | Promise<Source<unknown>>>;
  return loaded[name]!(argument);
}

/** Elements `from` to before `to` of the list that a slot holds. */
interface ListPart {
  readonly folder: string;
  readonly bytes: Uint8Array;
  readonly links: readonly { readonly ref: number; readonly hash: number }[];
  readonly from: number;
  readonly to: number;
}

/** The elements of a part of a list, lazy as in its own process. The store stays open until the process ends. */
export async function openListPart({ folder, bytes, links, from, to }: ListPart): Promise<Iterable<unknown>> {
  const store = storeOf(await open(folder, { readOnly: true }));
  const slot: Slot = { bytes, links: links.map(({ ref, hash }) => new Link(ref, hash)) };
  const list = show(Documents.of(store, true), new EntryPlace(undefined), undefined, store.nodes.fromSlot(slot));
  const handle = handleOf(list)!;
  return {
    *[Symbol.iterator]() {
      for (const value of (handle.body() as ListNode).values(from, to)) {
        yield typeof value === 'object' || typeof value === 'symbol' ? handle.wrapLoose(value) : value;
      }
    },
  };
}
