import { describe } from '../../base/errors.ts';
import type { Heap } from '../../heap/heap.ts';
import type { Changes } from './changes.ts';

const keysNamed = 3;

/** For people: what is lost of a store if `changes` are never committed, and why they have not been. Undefined when there are none. */
export function describeLoss(changes: Changes, heap: Heap): string | undefined {
  const { count, cleared } = changes;
  if (count === 0 && !cleared) return undefined;
  const keys: string[] = [];
  for (const { key } of changes.entries()) if (keys.push(describe(key)) === keysNamed) break;
  const of = keys.length === 0 ? '' : `, of ${keys.join(', ')}${count > keys.length ? ' ...' : ''}`;
  const what = cleared ? 'a clear() and ' : '';
  const why =
    heap.failure === undefined
      ? 'another process or thread holds the commit lock of the store'
      : `an earlier commit failed (${heap.failure instanceof Error ? heap.failure.message : String(heap.failure)})`;
  return `${what}${count} ${count === 1 ? 'change' : 'changes'}${of}, of ${heap.storage.path} could not be committed and are lost: ${why}`;
}
