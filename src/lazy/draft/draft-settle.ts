/**
 * From drafts to nodes: children first, each draft once, on a stack of its own, however deep they nest.
 *
 * A child that is met while it is itself being settled contains itself. It becomes a cell: the place where it was met, and from
 * then on every place, refers to the cell, and the cell gets the node.
 */
import { CellReference } from '../../tree/cell-reference.ts';
import type { AnyDraft } from './draft.ts';
import { isDraft } from '../handle.ts';
import type { Handle } from '../handle.ts';
import type { CellRef, Node } from '../../tree/node.ts';

interface Frame {
  readonly draft: AnyDraft;
  readonly children: Iterator<AnyDraft>;
}

/** Brings the nodes of `drafts` and of all drafts below them up to date. */
export function settleAll(drafts: Iterable<AnyDraft>): void {
  const settled = new Set<AnyDraft>();
  const open = new Set<AnyDraft>();
  const stack: Frame[] = [];
  const enter = (draft: AnyDraft): void => {
    open.add(draft);
    stack.push({ draft, children: childrenOf(draft) });
  };
  for (const draft of drafts) {
    if (!settled.has(draft)) enter(draft);
    while (stack.length > 0) {
      const { draft, children } = stack[stack.length - 1]!;
      const step = children.next();
      if (step.done !== true) {
        if (open.has(step.value)) becomeCell(step.value);
        else if (!settled.has(step.value)) enter(step.value);
        continue;
      }
      stack.pop();
      open.delete(draft);
      finish(draft);
      settled.add(draft);
    }
  }
}

/** All drafts that can be reached from `drafts`, these included. */
export function reachable(drafts: Iterable<AnyDraft>): Set<AnyDraft> {
  const reached = new Set<AnyDraft>(drafts);
  for (const draft of reached) for (const child of childrenOf(draft)) reached.add(child);
  return reached;
}

function* childrenOf(draft: AnyDraft): Generator<AnyDraft, undefined> {
  for (const { handle } of Array.from(draft.live.values())) if (isDraft(handle.node)) yield handle.node as unknown as AnyDraft;
}

function becomeCell(draft: AnyDraft): void {
  draft.cyclic = true;
  draft.cell ??= new CellReference(draft.home.store.allocateCell(), true);
}

function finish(draft: AnyDraft): void {
  const before = draft.node;
  draft.carry(resultOf);
  if (draft.cyclic && (draft.node !== before || draft.live.size > 0)) draft.home.store.writeCell(draft.cell!.id, draft.node);
}

function resultOf(handle: Handle): Node | CellRef {
  const { node } = handle;
  if (!isDraft(node)) return node;
  const draft = node as unknown as AnyDraft;
  return draft.cyclic ? draft.cell! : draft.node;
}
