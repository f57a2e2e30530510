/**
 * Are these bytes slots, down to the last one? Reading looks only at what is asked for; this looks at everything: that slots end where their
 * containers do, that counts and tables of offsets are right, that links are there and numbered in the order of their first use.
 */
import { corrupt } from './corrupt.ts';
import { bodyAt, linkIndexOf, readIndex, shapeIndexOf, skipSlot, slotsAt } from './slot-reader.ts';
import { inlineDepthMax, SlotKind, slotKinds, Tag, tableFrom } from './tags.ts';
import { readVarint, varintSize } from './varint.ts';

/** Hears of every link, in the order of the bytes. For a record's shape with the number of its slots, else -1. */
export type LinkUse = (index: number, shapeSlots: number) => void;

interface Open {
  readonly end: number;
  /** How many slots there must be; -1 for a narrow record, which its shape counts. */
  readonly count: number;
  /** Where the table of offsets begins, 0: there is none; one offset for `step` slots. */
  readonly table: number;
  readonly base: number;
  readonly step: number;
  /** The link index of a record's shape, or -1. */
  readonly shape: number;
  seen: number;
}

/** Checks `bytes[start, end)` and returns how many slots lie there side by side. Throws CORRUPT. `at` hears where each of those begins. */
export function checkSlots(bytes: Buffer, range: { start: number; end: number }, use: LinkUse, at?: (position: number) => void): number {
  const top: Open = { end: range.end, count: -1, table: 0, base: 0, step: 1, shape: -1, seen: 0 };
  const stack: Open[] = [top];
  let position = range.start;
  for (;;) {
    const open = stack[stack.length - 1]!;
    if (position === open.end) {
      if (open.count >= 0 && open.seen !== open.count) throw corrupt(`A container of ${open.seen} slots instead of ${open.count}`);
      if (open === top) return top.seen;
      if (open.shape >= 0) use(open.shape, open.seen);
      stack.pop();
      continue;
    }
    if (position > open.end) throw corrupt(`A slot reaches past byte ${open.end}, where its container ends`);
    checkPlace(bytes, open, position);
    if (open === top) at?.(position);
    open.seen++;
    const kind = slotKinds[bytes[position]!];
    if (kind === SlotKind.link) {
      use(linkIndexOf(bytes, position), -1);
      position += 3;
    } else if (kind === SlotKind.list || kind === SlotKind.record || kind === SlotKind.map || kind === SlotKind.set || kind === SlotKind.typed) {
      if (stack.length > inlineDepthMax) throw corrupt('Slots nest too deep');
      stack.push(openAt(bytes, position, kind));
      position = slotsAt(bytes, position);
    } else position = skipSlot(bytes, position);
  }
}

/** Is a slot where the table of its container says? */
function checkPlace(bytes: Buffer, open: Open, position: number): void {
  if (open.table === 0 || open.seen % open.step !== 0 || open.seen >= open.count) return;
  const said = open.base + readIndex(bytes, open.table + (2 * open.seen) / open.step);
  if (said !== position) throw corrupt(`A table of offsets says ${said} for a slot at byte ${position}`);
}

function openAt(bytes: Buffer, at: number, kind: SlotKind): Open {
  const end = skipSlot(bytes, at);
  const body = bodyAt(bytes, at);
  const closed = { end, table: 0, base: 0, step: 1, shape: -1, seen: 0 };
  if (kind === SlotKind.typed) return { ...closed, count: 2 };
  const tag = bytes[at]!;
  const isRecord = kind === SlotKind.record;
  const shape = isRecord ? shapeIndexOf(bytes, at) : -1;
  if (tag === Tag.record || tag === Tag.nullRecord) return { ...closed, count: -1, shape };
  const countAt = isRecord ? body + 2 : body;
  const count = readVarint(bytes, countAt);
  const table = countAt + varintSize(count);
  const step = kind === SlotKind.map ? 2 : 1;
  if (count > end - table) throw corrupt(`A container of ${count} slots in ${end - table} bytes`);
  const hasTable = isRecord || count >= tableFrom;
  return { end, count: count * step, table: hasTable ? table : 0, base: table + 2 * count, step, shape, seen: 0 };
}
