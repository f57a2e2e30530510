/**
 * Names for content: equal values have equal ids, in any process, stored or plain, before and after a vacuum.
 *
 * The id of a container is the start of a SHA-256 over its parts: primitives as slots (codec/README.md), containers as
 * their ids. Properties, Map entries and Set members are sorted as bytes first, so order does not matter where equality does
 * not mind it. A hash that nobody can forge a collision for, since ids stand for content wherever they are compared.
 *
 * Containers that occur twice are named once. One that contains itself is written as its distance up the path; what holds
 * such a reference out of itself is not remembered, because it has another name elsewhere. The walk has its own stack.
 */
import { createHash, hash as hashOnce } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { types } from 'node:util';
import { bigintBytes } from '../codec/tail/bigints.ts';
import { hasExtras, natureOf } from '../codec/tail/classify.ts';
import { formatPath } from '../codec/encode-path.ts';
import { encodeRegExp } from '../codec/tail/ext.ts';
import { refusal } from '../codec/tail/refusal.ts';
import { SlotWriter } from '../codec/slot/slot-writer.ts';
import { readString } from '../codec/slot/strings.ts';
import { Tag } from '../codec/slot/tags.ts';
import { codecOf } from '../codec/tail/type-registry.ts';
import { isAttached, viewBytes, viewKind } from '../codec/tail/views.ts';
import { entriesApart, errorContent, itemsOf } from './content-parts.ts';
import { absent } from '../tree/node.ts';
import { StoredNode } from '../tree/stored-node.ts';
import { Box, formOf, isBare, look } from './value-view.ts';
import type { Seen, Side } from './value-view.ts';

/** An id is this many hex digits. */
const idLength = 32;
/** Bytes of a list that are gathered before they are hashed. */
const batchBytes = 32 * 1024;

/** First bytes of what no slot begins with. */
const Mark = { list: 0xf0, object: 0xf1, map: 0xf2, set: 0xf3, instance: 0xf4, back: 0xf5, box: 0xf6, child: 0xf7 } as const;

/** 32 hex digits that name the content of `value`. */
export function contentIdOf(value: unknown, side?: Side): string {
  return new Namer().run(value, side);
}

/** A container that is being named. */
interface Frame {
  readonly parts: Iterator<unknown>;
  readonly side: Side | undefined;
  /** Where its bytes begin in the writer; those of the frames below it lie before. */
  readonly start: number;
  /** Parts of one entry; 0 where order counts. */
  readonly perEntry: number;
  readonly entries: string[];
  readonly identity: unknown;
  /** The stored container it is, where that is a chunk. */
  readonly node: StoredNode | undefined;
  /** Has it met what may change while the chunk stays: a cell, an instance? */
  changeable: boolean;
  /** The shallowest frame that something inside refers back to. */
  low: number;
  parted: number;
  /** The key of the entry that is being named, for messages. */
  key: unknown;
  hash: Hash | undefined;
}

class Namer {
  readonly #frames: Frame[] = [];
  readonly #path = new Map<unknown, number>();
  readonly #known = new Map<unknown, string>();
  readonly #writer = new SlotWriter(undefined, 1024);
  readonly #cellNames = new Map<object, Map<number, object>>();

  run(value: unknown, side: Side | undefined): string {
    this.#push({ mark: Mark.list, parts: [value][Symbol.iterator](), side, perEntry: 0 }, undefined);
    for (;;) {
      const depth = this.#frames.length - 1;
      const frame = this.#frames[depth]!;
      const part = frame.parts.next();
      if (part.done !== true) {
        if (this.#part(frame, part.value)) this.#parted(frame);
        continue;
      }
      const id = this.#finish(frame);
      this.#frames.pop();
      if (frame.identity !== undefined) {
        this.#path.delete(frame.identity);
        if (frame.low >= depth) this.#known.set(frame.identity, id);
      }
      if (frame.node !== undefined && !frame.changeable) remember(frame.node, id);
      const parent = this.#frames[depth - 1];
      if (parent === undefined) return id;
      if (frame.changeable) parent.changeable = true;
      if (frame.low < depth) parent.low = Math.min(parent.low, frame.low);
      this.#child(id);
      this.#parted(parent);
    }
  }

  /** Writes a part, true; or opens a frame for it, false. */
  #part(frame: Frame, part: unknown): boolean {
    const writer = this.#writer;
    if (frame.perEntry === 2 && frame.parted % 2 === 0) frame.key = part;
    if (part === absent) writer.simple(Tag.hole);
    else if (!isObject(part)) this.#primitive(part);
    else return this.#object(frame, look(part, frame.side));
    return true;
  }

  #object(frame: Frame, seen: Seen): boolean {
    const writer = this.#writer;
    const { value } = seen;
    if (seen.cell !== undefined) frame.changeable = true;
    if (!isObject(value)) this.#primitive(value);
    else if (value instanceof Box) {
      frame.changeable = true;
      writer.simple(Mark.box);
      writer.number(value.id);
    } else if (codecOf(value) !== undefined) {
      frame.changeable = true;
      return this.#container(frame, seen, value);
    } else {
      const form = formOf(value);
      if (form === 'opaque') throw this.#refusal(value);
      if (form !== 'leaf') return this.#container(frame, seen, value);
      this.#leaf(value);
    }
    return true;
  }

  #primitive(value: unknown): void {
    if (!writePrimitive(this.#writer, value)) throw this.#refusal(value);
  }

  #leaf(value: object): void {
    if (viewKind(value) >= 0 && !isAttached(value)) throw this.#refusal(value);
    writeLeaf(this.#writer, value);
  }

  /** What `set` would refuse has no content to be named by: two of them would be one. */
  #refusal(value: unknown): TypeError {
    const why = refusal(value, isObject(value) ? natureOf(value) : undefined);
    const path = formatPath(this.#frames.slice(1).map(stepOf));
    return Object.assign(new TypeError(`contentId: ${path}: ${why}`), { code: 'UNSUPPORTED' });
  }

  #container(frame: Frame, seen: Seen, value: object): boolean {
    const identity = this.#identityOf(seen, value);
    const known = identity === undefined ? remembered(value) : this.#known.get(identity);
    if (known !== undefined) {
      this.#child(known);
      return true;
    }
    const above = identity === undefined ? undefined : this.#path.get(identity);
    if (above !== undefined) {
      frame.low = Math.min(frame.low, above);
      this.#writer.simple(Mark.back);
      this.#writer.number(this.#frames.length - above);
      return true;
    }
    this.#push({ ...partsOf(value), side: seen.side }, identity, value instanceof StoredNode ? value : undefined);
    return false;
  }

  #push(content: Parts & { side: Side | undefined }, identity: unknown, node?: StoredNode): void {
    const depth = this.#frames.length;
    const { parts, side, perEntry, mark } = content;
    const start = this.#writer.end;
    if (perEntry === 0) this.#writer.simple(mark);
    const entries: string[] = perEntry === 0 ? [] : [String.fromCharCode(mark)];
    this.#frames.push({ parts, side, start, perEntry, entries, identity, node, changeable: false, low: Infinity, parted: 0, key: undefined, hash: undefined });
    if (identity !== undefined) this.#path.set(identity, depth);
  }

  #child(id: string): void {
    this.#writer.simple(Mark.child);
    this.#writer.string(id);
  }

  #parted(frame: Frame): void {
    const writer = this.#writer;
    frame.parted++;
    if (frame.perEntry === 0) {
      if (writer.end - frame.start > batchBytes) this.#flush(frame);
    } else if (frame.parted % frame.perEntry === 0) {
      frame.entries.push(readString(Tag.latin1, writer.bytes, frame.start, writer.end));
      writer.truncate(frame.start);
    }
  }

  /** Hashes what there is of a list so far. */
  #flush(frame: Frame): void {
    frame.hash ??= createHash('sha256');
    frame.hash.update(this.#bytesOf(frame));
    this.#writer.truncate(frame.start);
  }

  #finish(frame: Frame): string {
    if (frame.hash !== undefined) {
      this.#flush(frame);
      return frame.hash.digest('hex').slice(0, idLength);
    }
    const [mark, ...entries] = frame.entries;
    const sorted = mark === undefined ? undefined : Buffer.from(`${mark}${entries.sort().join('')}`, 'latin1');
    const id = hashOnce('sha256', sorted ?? this.#bytesOf(frame), 'hex').slice(0, idLength);
    this.#writer.truncate(frame.start);
    return id;
  }

  #bytesOf(frame: Frame): Buffer {
    return this.#writer.bytes.subarray(frame.start, this.#writer.end);
  }

  #identityOf(seen: Seen, value: object): unknown {
    if (!(value instanceof StoredNode)) return value;
    if (seen.cell === undefined || seen.side === undefined) return undefined;
    let names = this.#cellNames.get(seen.side.home);
    if (names === undefined) this.#cellNames.set(seen.side.home, (names = new Map()));
    let name = names.get(seen.cell);
    if (name === undefined) names.set(seen.cell, (name = {}));
    return name;
  }
}

/** Ids of chunks that were named lately: the same chunk has the same content, so equal values are named once. */
const idsMax = 4096;

function remembered(value: object): string | undefined {
  const chunk = value instanceof StoredNode ? value.wholeChunk : undefined;
  return chunk === undefined || chunk.ref === 0 ? undefined : (value as StoredNode).context.contentIds.get(chunk.ref);
}

function remember(node: StoredNode, id: string): void {
  const chunk = node.wholeChunk;
  if (chunk === undefined || chunk.ref === 0) return;
  const { contentIds } = node.context;
  if (contentIds.size >= idsMax) contentIds.clear();
  contentIds.set(chunk.ref, id);
}

interface Parts {
  readonly mark: number;
  readonly parts: Iterator<unknown>;
  readonly perEntry: number;
}

function partsOf(value: object): Parts {
  const codec = codecOf(value);
  if (codec !== undefined) return instance(codec.name, codec.encode(value));
  switch (formOf(value)) {
    case 'list':
      if (Array.isArray(value) && hasExtras(value)) return instance('Array', Object.entries(value));
      return { mark: Mark.list, parts: itemsOf(value), perEntry: 0 };
    case 'map': return { mark: Mark.map, parts: flat(value), perEntry: 2 };
    case 'set': return { mark: Mark.set, parts: members(value), perEntry: 1 };
    case 'error': return instance('error', errorContent(value));
    default:
      if (!isBare(value)) return { mark: Mark.object, parts: flat(value), perEntry: 2 };
      return { mark: Mark.instance, parts: withName('object null', flat(value)), perEntry: 2 };
  }
}

function instance(name: string, plain: unknown): Parts {
  return { mark: Mark.instance, parts: [name, plain][Symbol.iterator](), perEntry: 0 };
}

function* withName(name: string, parts: Iterable<unknown>): IterableIterator<unknown> {
  yield 'prototype';
  yield name;
  yield* parts;
}

function* flat(value: object): IterableIterator<unknown> {
  for (const [key, part] of entriesApart(value, undefined)) {
    yield typeof key === 'symbol' ? String(key) : key;
    yield part;
  }
}

function* members(value: object): IterableIterator<unknown> {
  for (const [member] of entriesApart(value, undefined)) yield member;
}

/** False for a function or a symbol. */
function writePrimitive(writer: SlotWriter, value: unknown): boolean {
  if (typeof value === 'number') writer.number(value);
  else if (typeof value === 'string') writer.string(value);
  else if (typeof value === 'bigint') writer.prefixed(value < 0n ? Tag.negativeBigint : Tag.bigint, bigintBytes(value));
  else if (typeof value === 'boolean') writer.simple(value ? Tag.true : Tag.false);
  else if (value === null || value === undefined) writer.simple(value === null ? Tag.null : Tag.undefined);
  else return false;
  return true;
}

/** Writes an object that holds no others. */
function writeLeaf(writer: SlotWriter, value: object): void {
  if (types.isDate(value)) writer.date(value);
  else if (types.isRegExp(value)) writer.prefixed(Tag.ext, encodeRegExp(value));
  else if (types.isBoxedPrimitive(value)) {
    writer.simple(Mark.instance);
    writePrimitive(writer, value.valueOf());
  } else writer.view(viewKind(value), viewBytes(value));
}

/** The step from a container to what is being named in it. */
function stepOf({ perEntry, parted, key }: Frame): string | number | { step: string } {
  if (perEntry === 0) return parted;
  if (perEntry === 2 && parted % 2 === 1 && typeof key === 'string') return key;
  return { step: `{item ${Math.floor(parted / perEntry)}}` };
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}
