/** Where handles become Proxies: the one place that says `new Proxy`, and the one that knows every kind of handle. */
import { inspect } from 'node:util';
import { Cell } from './cell.ts';
import { Document } from './document.ts';
import type { DocumentStore, Place } from './document.ts';
import { handleOf, installOpeners, isCellRef, openCellRef } from './handle.ts';
import type { Handle } from './handle.ts';
import { preview } from './inspect.ts';
import { ListHandle, installListMethods } from './lazy-list.ts';
import { listReads } from './lazy-list-reads.ts';
import { listRuns } from './lazy-list-runs.ts';
import { listWrites } from './lazy-list-writes.ts';
import { MapHandle, SetHandle } from './lazy-map.ts';
import { ObjectHandle, ShadowTarget, installInspector } from './lazy-object.ts';
import { isNode } from '../tree/node.ts';
import type { Node, NodeValue } from '../tree/node.ts';

/**
 * What the other Proxies stand over: shared, empty, extensible, never touched by a trap, so that no invariant of Proxies can
 * bind. The handle is the handler.
 */
const shownAs: object = Object.create(null, { [inspect.custom]: { value: inspectLazy } }) as object;
const plainTarget: object = Object.create(shownAs) as object;
const listTarget: unknown[] = Object.setPrototypeOf([], shownAs) as unknown[];

installInspector(inspectLazy);
installListMethods({ ...listReads, ...listRuns, ...listWrites });
installOpeners(open, (store, id) => new Cell(store, id));

function open(node: Node, document: Document, parent: Handle | undefined, key: unknown): Handle {
  const handle = handleFor(node, document, parent, key);
  handle.proxy = new Proxy(targetFor(node), handle as ProxyHandler<object>);
  return handle;
}

function targetFor(node: Node): object {
  return node.kind === 'object' ? new ShadowTarget() : node.kind === 'list' ? listTarget : plainTarget;
}

function handleFor(node: Node, document: Document, parent: Handle | undefined, key: unknown): Handle {
  switch (node.kind) {
    case 'object':
      return new ObjectHandle(node, document, parent, key) as unknown as Handle;
    case 'list':
      return new ListHandle(node, document, parent, key) as unknown as Handle;
    case 'map':
      return new MapHandle(node, document, parent, key) as unknown as Handle;
    case 'set':
      return new SetHandle(node, document, parent, key) as unknown as Handle;
  }
}

function inspectLazy(this: unknown, depth: number, options: object): unknown {
  const handle = handleOf(this);
  const { maxArrayLength } = options as { maxArrayLength?: number | null | undefined };
  return handle === undefined ? '[lazy value]' : preview(handle, depth, maxArrayLength ?? Infinity);
}

/**
 * What a user sees of `value`, read from `place` outside any transaction: a container as the root of a document of its own, which
 * `store` commits as long as the place still is as `base` says.
 */
export function show(store: DocumentStore, place: Place, base: unknown, value: NodeValue): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (isNode(value)) return open(value, new Document(store, place, base, value), undefined, undefined).proxy;
  return isCellRef(value) ? openCellRef(store, value, new Map()) : value;
}
