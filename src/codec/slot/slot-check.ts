/**
 * Are these bytes slots, down to the last one? Reading looks only at what is asked for; this looks at everything: that slots end where their
 * containers do, that counts and tables of offsets are right, that links are there and numbered in the order of their first use.
 */
import { corrupt } from '../corrupt.ts';
import { bodyAt, linkIndexOf, readIndex, shapeIndexOf, skipSlot, slotsAt } from './slot-reader.ts';
import { inlineDepthMax, SlotKind, slotKinds, Tag, tableFrom } from './tags.ts';
import { readVarint, varintSize } from './varint.ts';

/** Hears of every link, in the order of the bytes. For a record's shape with the number of its slots, else -1. */
export type LinkUse = (index: number, shapeSlots: number) => void;

/** A container that is open: `open` says so anew, for one object serves many. */
class Open {
  end = 0;
  /** How many slots there must be; -1 for a narrow record, which its shape counts. */
  count = -1;
  /** Where the table of offsets begins, 0: there is none; one offset for `step` slots. */
  table = 0;
  base = 0;
  step = 1;
  /** The link index of a record's shape, or -1. */
  shape = -1;
  seen = 0;

  /** What holds the slots that are checked, up to `end`. */
  outermost(end: number): void {
    this.end = end;
    this.count = this.shape = -1;
    this.table = this.base = this.seen = 0;
    this.step = 1;
  }

  /** The container at `at`. */
  open(bytes: Buffer, at: number, kind: SlotKind): void {
    const tag = bytes[at]!;
    const isRecord = kind === SlotKind.record;
    this.outermost(skipSlot(bytes, at));
    if (kind === SlotKind.typed) {
      this.count = 2;
      return;
    }
    if (isRecord) this.shape = shapeIndexOf(bytes, at);
    if (tag === Tag.record || tag === Tag.nullRecord) return;
    const body = bodyAt(bytes, at);
    const countAt = isRecord ? body + 2 : body;
    const count = readVarint(bytes, countAt);
    const table = countAt + varintSize(count);
    if (count > this.end - table) throw corrupt(`A container of ${count} slots in ${this.end - table} bytes`);
    this.step = kind === SlotKind.map ? 2 : 1;
    this.count = count * this.step;
    this.table = isRecord || count >= tableFrom ? table : 0;
    this.base = table + 2 * count;
  }
}

/** Open containers, the outermost first: one check goes on at a time, and what hears of it checks nothing itself. */
const stack: Open[] = [];

/** Checks `bytes[start, end)` and returns how many slots lie there side by side. Throws CORRUPT. `at` hears where each of those begins. */
export function checkSlots(bytes: Buffer, range: { start: number; end: number }, use: LinkUse, at?: (position: number) => void): number {
  let depth = 0;
  let open = (stack[0] ??= new Open());
  open.outermost(range.end);
  let position = range.start;
  for (;;) {
    if (position === open.end) {
      if (open.count >= 0 && open.seen !== open.count) throw corrupt(`A container of ${open.seen} slots instead of ${open.count}`);
      if (depth === 0) return open.seen;
      if (open.shape >= 0) use(open.shape, open.seen);
      open = stack[--depth]!;
      continue;
    }
    if (position > open.end) throw corrupt(`A slot reaches past byte ${open.end}, where its container ends`);
    if (open.table !== 0) checkPlace(bytes, open, position);
    if (depth === 0) at?.(position);
    open.seen++;
    const kind = slotKinds[bytes[position]!];
    if (kind === SlotKind.link) {
      use(linkIndexOf(bytes, position), -1);
      position += 3;
    } else if (kind === SlotKind.list || kind === SlotKind.record || kind === SlotKind.map || kind === SlotKind.set || kind === SlotKind.typed) {
      if (++depth > inlineDepthMax) throw corrupt('Slots nest too deep');
      open = stack[depth] ??= new Open();
      open.open(bytes, position, kind);
      position = slotsAt(bytes, position);
    } else position = skipSlot(bytes, position);
  }
}

/** Is a slot where the table of its container says? */
function checkPlace(bytes: Buffer, open: Open, position: number): void {
  if (open.seen % open.step !== 0 || open.seen >= open.count) return;
  const said = open.base + readIndex(bytes, open.table + (2 * open.seen) / open.step);
  if (said !== position) throw corrupt(`A table of offsets says ${said} for a slot at byte ${position}`);
}
