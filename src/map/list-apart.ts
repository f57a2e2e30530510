import { handleOf } from '../lazy/handle.ts';
import { ListAppender } from '../lazy/list-appender.ts';
import type { LazyList, ListHandle } from '../lazy/lazy-list.ts';
import type { ListNode } from '../tree/node.ts';
import { show } from '../lazy/proxy.ts';
import type { Documents } from './documents.ts';
import { EntryPlace } from './rows/entry-place.ts';

/**
 * A list of all items that lies nowhere yet: nobody sees it, and nothing is replaced, before it is set under a key. Its chunks are
 * written as they are made, so that it need not be held. Throws UNSUPPORTED, QUOTA, READ_ONLY, IO, and what `items` throws.
 */
export async function listApart(documents: Documents, items: AsyncIterable<unknown>): Promise<LazyList> {
  const { nodes } = documents.home;
  const list = (node: ListNode): LazyList => show(documents, new EntryPlace(undefined), undefined, node) as LazyList;
  const empty = nodes.fromSlot(nodes.encode([])) as ListNode;
  const handle = handleOf(list(empty)) as ListHandle;
  const stager = documents.stager();
  try {
    const appender = new ListAppender(stager, empty);
    for await (const item of items) appender.add(handle.incoming(item));
    return list(appender.finish());
  } finally {
    stager.end();
  }
}
