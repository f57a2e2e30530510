/**
 * The strict walker: takes a value apart and writes its slots, on a stack of its own, so any depth is fine.
 *
 * Each open container is a frame. Scalars are written where they are met; a container met inside another pushes a frame; a
 * finished one stays inline or is cut off into a chunk, by its size. When the body of an open container outgrows
 * `bodyBytesMax`, its slots so far and all that follow go to a tree builder instead.
 *
 * A container that is met twice ends up in `sightings.repeated`. Then the value is walked again: each of them becomes a
 * cell, written as an alias wherever it occurs. Properties are read once, in the first walk; the second finds them kept.
 * Inside typed values (errors, instances of registered types) containers are taken by value, and a cycle is refused.
 *
 * Likewise a buffer of which several views are met: it becomes a cell, and each view says which part of that it shows.
 */
import { types } from 'node:util';
import { describe, StoreError } from '../base/errors.ts';
import { arrayToPlain, BuiltIn, errorToPlain, isVerySparse, sparseToPlain } from './tail/built-ins.ts';
import { classify, hasExtras } from './tail/classify.ts';
import type { Nature } from './tail/classify.ts';
import { formatPath } from './encode-path.ts';
import { encodeRegExp } from './tail/ext.ts';
import { Frame } from './frame.ts';
import { refusal } from './tail/refusal.ts';
import { settle, surelyInline, writeBigint, writeBoxed, writePrefixed, writeSharedView, writeText, writeView } from './slot/scalar-writer.ts';
import type { EncodeServices, Recognised } from './services.ts';
import { Sightings } from './sightings.ts';
import { membersOf, readProperties } from './contents.ts';
import type { Contents } from './contents.ts';
import { skipSlot } from './slot/slot-reader.ts';
import { SlotWriter } from './slot/slot-writer.ts';
import { Tag } from './slot/tags.ts';
import type { TreeBuilder } from './trees.ts';
import { bufferOf, offsetOf } from './tail/shared-buffers.ts';
import { viewBytes, viewKind } from './tail/views.ts';
import type { ViewPlace } from './tail/views.ts';

/** Fields of one byte each, with their table, outgrow a body from here on: no need to ask for a shape. */
const fieldsMax = 1365;
const framesKept = 64;

/** The cell of a container that is to be written as an alias. */
export type CellOf = (container: object) => number | undefined;

/** One value at a time; kept for the next one, because its buffers are worth more than a value. */
export class Walker {
  readonly writer: SlotWriter;
  readonly sightings: Sightings = new Sightings();
  readonly #services: EncodeServices;
  readonly #frames: Frame[] = [];
  #depth = -1;
  /** Open typed values around what is written. */
  #typedDepth = 0;
  /** Containers of open frames, where only cycles matter: inside typed values, and in a second walk. */
  readonly #open: Set<object> = new Set();
  #cellOf: CellOf | undefined;
  /** The container whose own cell is being written: in full when it is met first. */
  #root: unknown;

  constructor(services: EncodeServices) {
    this.#services = services;
    this.writer = new SlotWriter(services.chunks);
  }

  /**
   * Writes the slot of `value` at the writer's end. With `cellOf` it is a second walk, which writes containers that have a
   * cell as aliases; but `root`, when it is met first, in full. Throws UNSUPPORTED with the path inside the value.
   */
  walk(value: unknown, cellOf?: CellOf, root?: object): void {
    this.#cellOf = cellOf;
    this.#root = root;
    this.#depth = -1;
    if (!this.#value(value)) this.#run();
  }

  /** Lets go of everything, also after a walk that failed. */
  reset(): void {
    for (; this.#depth >= 0; this.#depth--) this.#frames[this.#depth]!.release();
    if (this.#frames.length > framesKept) this.#frames.length = framesKept;
    this.#typedDepth = 0;
    this.#cellOf = undefined;
    this.#root = undefined;
    if (this.#open.size > 0) this.#open.clear();
    this.sightings.clear();
    this.writer.reset();
  }

  #run(): void {
    while (this.#depth >= 0) {
      const frame = this.#frames[this.#depth]!;
      if (this.#fill(frame)) this.#finish(frame);
    }
  }

  /** Writes items until the frame is full (true) or another frame lies on top of it (false). */
  #fill(frame: Frame): boolean {
    const { items, itemCount } = frame;
    const writer = this.writer;
    while (frame.index < itemCount) {
      if (frame.sink !== undefined && frame.keys !== undefined) this.#feedKey(frame, frame.sink);
      const value = items[frame.index++];
      // The two most frequent kinds do without the dispatch below.
      if (typeof value === 'number') writer.number(value);
      else if (typeof value === 'string' && value.length <= surelyInline) writer.string(value);
      else if (!this.#value(value)) return false;
      this.#itemDone(frame);
    }
    return true;
  }

  #itemDone(frame: Frame): void {
    if (frame.sink !== undefined) this.#feed(frame, frame.sink);
    else if (this.writer.end - frame.slotsAt > frame.room) this.#overflow(frame);
  }

  #finish(frame: Frame): void {
    const writer = this.writer;
    this.#depth--;
    if (frame.sink === undefined) writer.close(frame);
    else {
      const slot = frame.sink.finish();
      writer.truncate(frame.start);
      writer.slot(slot);
    }
    if (frame.tag === Tag.typed) this.#typedDepth--;
    if (frame.watched !== undefined) this.#open.delete(frame.watched);
    frame.release();
    if (this.#depth < 0) return;
    settle(writer, frame.start);
    this.#itemDone(this.#frames[this.#depth]!);
  }

  /** Hands the slot at the end of the buffer to a builder. */
  #feed(frame: Frame, sink: TreeBuilder): void {
    const { writer } = this;
    const links = writer.numberLinks(frame.start);
    sink.add(writer.bytes, frame.start, writer.end, links);
    writer.end = frame.start;
  }

  #feedKey(frame: Frame, sink: TreeBuilder): void {
    writeText(this.writer, frame.keys![frame.index]!, true);
    this.#feed(frame, sink);
  }

  /** Turns an open container into a tree: what has been written goes to a builder, and so will the rest. */
  #overflow(frame: Frame): void {
    const { writer } = this;
    const written = frame.slotsAt - frame.start;
    const { bytes, links } = writer.cut(frame.start);
    const sink = this.#sinkFor(frame);
    // The keys are fed by the frame's index, which therefore goes along once more.
    const end = frame.index;
    frame.index = 0;
    for (let at = written; at < bytes.length; ) {
      if (frame.keys !== undefined) this.#feedKey(frame, sink);
      const next = skipSlot(bytes, at);
      writer.copy(bytes, at, next, links);
      this.#feed(frame, sink);
      frame.index++;
      at = next;
    }
    frame.index = end;
  }

  #sinkFor(frame: Frame): TreeBuilder {
    const { trees } = this.#services;
    if (frame.tag === Tag.list) frame.sink = trees.list();
    else if (frame.tag === Tag.map) frame.sink = trees.map();
    else if (frame.tag === Tag.set) frame.sink = trees.set();
    else frame.sink = trees.object(frame.tag === Tag.nullRecord);
    return frame.sink;
  }

  /** Writes a value, true; or opens its frame, false. */
  #value(value: unknown): boolean {
    const nested = this.#depth >= 0;
    switch (typeof value) {
      case 'number':
        this.writer.number(value);
        return true;
      case 'string':
        writeText(this.writer, value, nested);
        return true;
      case 'bigint':
        writeBigint(this.writer, value, nested);
        return true;
      case 'boolean':
        this.writer.simple(value ? Tag.true : Tag.false);
        return true;
      case 'undefined':
        this.writer.simple(nested && this.#atHole() ? Tag.hole : Tag.undefined);
        return true;
      case 'object':
        if (value !== null) return this.#object(value, nested);
        this.writer.simple(Tag.null);
        return true;
      default:
        throw this.#unsupported(value);
    }
  }

  #atHole(): boolean {
    const frame = this.#frames[this.#depth]!;
    return frame.tag === Tag.list && !(frame.index - 1 in frame.items);
  }

  #object(value: object, nested: boolean): boolean {
    // A Proxy looks like anything; asked before its traps can run.
    const isProxy = types.isProxy(value);
    const prototype = isProxy ? null : (Object.getPrototypeOf(value) as object | null);
    if (prototype === Object.prototype) return this.#openObject(value, Tag.record);
    if (prototype === Array.prototype && Array.isArray(value)) return this.#openArray(value);
    const recognised = this.#services.recognise?.(value);
    if (recognised !== undefined) return this.#recognised(recognised, nested);
    if (isProxy) throw this.#unsupported(value);
    const codec = prototype === null ? undefined : this.#services.types.forPrototype(prototype);
    if (codec !== undefined) return this.#openTyped(value, codec.name, () => codec.encode(value));
    return this.#exotic(value, prototype, nested);
  }

  #exotic(value: object, prototype: object | null, nested: boolean): boolean {
    const { writer } = this;
    const nature = classify(value, prototype);
    switch (nature) {
      case 'object': return this.#openObject(value, prototype === null ? Tag.nullRecord : Tag.record);
      case 'array': return this.#openArray(value as unknown[]);
      case 'map': return this.#openMembers(value, Tag.map);
      case 'set': return this.#openMembers(value, Tag.set);
      case 'error':
        return this.#openTyped(value, BuiltIn.error, () => errorToPlain(value as Error));
      case 'date':
        writer.date(value as Date);
        return true;
      case 'regexp':
        writePrefixed(writer, Tag.ext, encodeRegExp(value as RegExp), nested);
        return true;
      case 'boxed':
        writeBoxed(writer, (value as { valueOf(): unknown }).valueOf(), nested);
        return true;
      case 'view':
        this.#view(value, nested);
        return true;
      default: throw this.#unsupported(value, nature);
    }
  }

  #view(value: object, nested: boolean): void {
    let content: Uint8Array;
    try {
      content = viewBytes(value);
    } catch (cause) {
      throw new StoreError('UNSUPPORTED', `${this.#path()}: a detached buffer cannot be stored`, { cause });
    }
    const cell = this.#typedDepth === 0 && nested && !this.#atLabel() ? this.#sharedCell(value) : undefined;
    if (cell === undefined) writeView(this.writer, viewKind(value), content, nested);
    else writeSharedView(this.writer, this.#placeOf(value, content), cell);
  }

  /** Is the value a key of a Map or a member of a Set? Those are found by content, and so stored as nothing else. */
  #atLabel(): boolean {
    const { tag, index } = this.#frames[this.#depth]!;
    return tag === Tag.set || (tag === Tag.map && index % 2 === 1);
  }

  /** In a first walk, notes the buffer of a view; in a second, gives the cell where it lies if several share it. */
  #sharedCell(view: object): number | undefined {
    const buffer = bufferOf(view);
    if (this.#cellOf !== undefined) return this.sightings.buffers.covers(view) ? this.#cellOf(buffer) : undefined;
    if (this.sightings.buffers.meet(view)) this.sightings.repeated.add(buffer);
    return undefined;
  }

  #placeOf(view: object, { length }: Uint8Array): ViewPlace {
    return { kind: viewKind(view), start: offsetOf(view) - this.sightings.buffers.startOf(bufferOf(view)), length };
  }

  #recognised(recognised: Recognised, nested: boolean): boolean {
    const { writer } = this;
    const start = writer.end;
    if ('cellId' in recognised && recognised.view !== undefined) writeSharedView(writer, recognised.view, recognised.cellId);
    else if ('cellId' in recognised) writer.cell(recognised.alias ? Tag.alias : Tag.cell, recognised.cellId);
    else {
      writer.slot(recognised);
      if (nested) settle(writer, start);
    }
    return true;
  }

  #openObject(value: object, tag: number): boolean {
    if (this.#isRepeat(value)) return true;
    const kept = this.#contentsOf(value);
    const present = kept?.keys ?? Object.keys(value);
    // An object whose key list would be no small chunk is a dictionary: it goes to a tree from the start.
    let shape = present.length < fieldsMax ? this.#services.shapes.find(present) : undefined;
    const { keys, values } = kept ?? this.#keep(readProperties(value as Record<string, unknown>, present, shape?.read));
    if (keys !== present) shape = this.#services.shapes.find(keys!);
    const frame = this.#push(value, tag, values);
    frame.keys = keys;
    if (shape === undefined) this.#sinkFor(frame);
    else frame.headed(this.writer.openRecord(shape.link, values.length, tag === Tag.nullRecord));
    return false;
  }

  #openArray(array: readonly unknown[]): boolean {
    if (isVerySparse(array)) return this.#openTyped(array, BuiltIn.sparseArray, () => sparseToPlain(array));
    if (hasExtras(array)) return this.#openTyped(array, BuiltIn.arrayWithProperties, () => arrayToPlain(array));
    if (this.#isRepeat(array)) return true;
    this.#openList(this.#push(array, Tag.list, array));
    return false;
  }

  #openMembers(collection: object, tag: number): boolean {
    if (this.#isRepeat(collection)) return true;
    const { values } = this.#contentsOf(collection) ?? this.#keep({ keys: undefined, values: membersOf(collection) });
    this.#openList(this.#push(collection, tag, values));
    return false;
  }

  #openList(frame: Frame): void {
    if (frame.itemCount >= fieldsMax) this.#sinkFor(frame);
    else frame.headed(this.writer.open(frame.tag, frame.count));
  }

  #openTyped(instance: object, name: string | number, encode: () => unknown): boolean {
    this.#watch(instance);
    const plain = encode();
    this.#typedDepth++;
    const frame = this.#push(instance, Tag.typed, [plain]);
    frame.headed(this.writer.openTyped());
    if (typeof name === 'string') this.writer.string(name);
    else this.writer.number(name);
    return false;
  }

  #push(container: object, tag: number, items: readonly unknown[]): Frame {
    const depth = ++this.#depth;
    let frame = this.#frames[depth];
    if (frame === undefined) this.#frames.push((frame = new Frame()));
    frame.open(tag, items, this.writer.end);
    if (this.#open.size > 0 && this.#open.has(container)) frame.watched = container;
    return frame;
  }

  /** Writes an alias and says true when the container is not to be written here in full. */
  #isRepeat(container: object): boolean {
    const cell = this.#cellOf?.(container);
    if (cell !== undefined && container !== this.#root) {
      this.writer.cell(Tag.alias, cell);
      return true;
    }
    if (container === this.#root) this.#root = undefined;
    if (this.#cellOf === undefined && (this.#typedDepth === 0 || this.sightings.has(container))) {
      if (this.sightings.meet(container)) return false;
      this.writer.cell(Tag.alias, 0);
      return true;
    }
    this.#watch(container);
    return false;
  }

  /** In a second walk, what the first has read from a container. */
  #contentsOf(container: object): Contents | undefined {
    return this.#cellOf === undefined ? undefined : this.sightings.contents(container);
  }

  #keep(contents: Contents): Contents {
    if (this.#cellOf === undefined && this.#typedDepth === 0) this.sightings.keep(contents);
    return contents;
  }

  /** Refuses a cycle where it cannot be kept; `#push` notes the container in its frame. */
  #watch(container: object): void {
    if (!this.#open.has(container)) this.#open.add(container);
    else throw new StoreError('UNSUPPORTED', `${this.#path()}: ${describe(container)} contains itself through a typed value`);
  }

  #unsupported(value: unknown, nature?: Nature): StoreError {
    return new StoreError('UNSUPPORTED', `${this.#path()}: ${refusal(value, nature)}`);
  }

  #path(): string {
    return formatPath(this.#frames.slice(0, this.#depth + 1).map((frame) => frame.step()));
  }
}
