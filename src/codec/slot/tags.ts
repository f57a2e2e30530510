/**
 * The first byte of every slot, what kind of value it announces and how its length is found. Numbers are part of the
 * format; README.md has the table with every byte that follows.
 */

/** Tag bytes. Small integers are 0x00-0x3f, short latin1 strings 0x40-0x5f (the length in the low bits). */
export const Tag = {
  shortString: 0x40,
  null: 0x60,
  undefined: 0x61,
  false: 0x62,
  true: 0x63,
  hole: 0x64,
  integer: 0x65,
  negative: 0x66,
  float64: 0x67,
  float32: 0x68,
  latin1: 0x69,
  utf8: 0x6a,
  utf16: 0x6b,
  bigint: 0x6c,
  negativeBigint: 0x6d,
  date: 0x6e,
  bytes: 0x6f,
  record: 0x70,
  list: 0x71,
  map: 0x72,
  set: 0x73,
  ext: 0x74,
  typed: 0x75,
  link: 0x76,
  alias: 0x77,
  cell: 0x78,
  nullRecord: 0x79,
  wideRecord: 0x7a,
  wideNullRecord: 0x7b,
} as const;

/** What a reader does with a slot: everything below `list` is read by `readScalar`. */
export const SlotKind = {
  scalar: 0,
  hole: 1,
  list: 2,
  record: 3,
  map: 4,
  set: 5,
  typed: 6,
  link: 7,
  alias: 8,
  cell: 9,
  invalid: 10,
} as const;
export type SlotKind = (typeof SlotKind)[keyof typeof SlotKind];

/** How far a slot reaches: values up to 63 are its whole size, the rest name a way to find it. */
export const SizeRule = { varint: 64, prefixed: 65, bytes: 66, invalid: 67 } as const;

/** A container with more slots (a map: pairs) than this carries a table of their offsets. */
export const tableFrom = 17;
/** The largest body of a container that is kept in one piece; a larger one becomes a tree. */
export const bodyBytesMax = 4096;
/** A nested slot of this size or more becomes a chunk of its own. */
export const inlineBytesMax = 512;
/** A top-level slot above this size becomes a chunk; rows of the index hold smaller ones. */
export const rootBytesMax = 48;
/** A string, byte string or bigint with more bytes than this is stored in pieces. */
export const blobBytesMin: number = 32 * 1024 + 1;
/** Nesting a decoder follows inside one chunk before it calls the bytes corrupt; the encoder stays below 200. */
export const inlineDepthMax = 1000;

export const sizeRules: Uint8Array = buildSizeRules();
export const slotKinds: Uint8Array = buildSlotKinds();

function buildSizeRules(): Uint8Array {
  const rules = new Uint8Array(256).fill(SizeRule.invalid);
  rules.fill(1, 0, Tag.shortString);
  for (let length = 0; length < 32; length++) rules[Tag.shortString + length] = 1 + length;
  rules.fill(1, Tag.null, Tag.integer);
  for (const tag of [Tag.integer, Tag.negative, Tag.alias, Tag.cell]) rules[tag] = SizeRule.varint;
  rules[Tag.float64] = rules[Tag.date] = 9;
  rules[Tag.float32] = 5;
  rules[Tag.link] = 3;
  rules[Tag.bytes] = SizeRule.bytes;
  const prefixed = [Tag.latin1, Tag.utf8, Tag.utf16, Tag.bigint, Tag.negativeBigint, Tag.ext, Tag.typed];
  const containers = [Tag.record, Tag.list, Tag.map, Tag.set, Tag.nullRecord, Tag.wideRecord, Tag.wideNullRecord];
  for (const tag of [...prefixed, ...containers]) rules[tag] = SizeRule.prefixed;
  return rules;
}

function buildSlotKinds(): Uint8Array {
  const kinds = new Uint8Array(256).fill(SlotKind.invalid);
  kinds.fill(SlotKind.scalar, 0, Tag.ext + 1);
  kinds[Tag.hole] = SlotKind.hole;
  kinds[Tag.list] = SlotKind.list;
  for (const tag of [Tag.record, Tag.nullRecord, Tag.wideRecord, Tag.wideNullRecord]) kinds[tag] = SlotKind.record;
  kinds[Tag.map] = SlotKind.map;
  kinds[Tag.set] = SlotKind.set;
  kinds[Tag.typed] = SlotKind.typed;
  kinds[Tag.link] = SlotKind.link;
  kinds[Tag.alias] = SlotKind.alias;
  kinds[Tag.cell] = SlotKind.cell;
  return kinds;
}

/** What the slot with this tag is. */
export function slotKind(tag: number): SlotKind {
  return (slotKinds[tag] ?? SlotKind.invalid) as SlotKind;
}
