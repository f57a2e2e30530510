import type { OpenContainer } from './slot/slot-writer.ts';
import { bodyBytesMax, tableFrom, Tag } from './slot/tags.ts';
import type { TreeBuilder } from './trees.ts';

const nothing: readonly unknown[] = [];

/** A container that the walker has opened and not yet closed. Frames are reused, so one is filled by `open`. */
export class Frame implements OpenContainer {
  tag = 0;
  start = 0;
  slotsAt = 0;
  count = 0;
  /** What is written: values of properties, elements, members, or key, value, key, value of a map. */
  items: readonly unknown[] = nothing;
  itemCount = 0;
  /** The item to be written next; the one before it is under way. */
  index = 0;
  /** Property names of an object. */
  keys: readonly string[] | undefined = undefined;
  /** Takes the slots once the container has outgrown its body. */
  sink: TreeBuilder | undefined = undefined;
  /** Bytes of slots that fit the body. */
  room = 0;
  /** What is watched for cycles while this frame is open. */
  watched: object | undefined = undefined;

  /** Starts a container whose tag is to be written at `start`. */
  open(tag: number, items: readonly unknown[], start: number): void {
    this.tag = tag;
    this.start = start;
    this.items = items;
    this.itemCount = items.length;
    this.count = tag === Tag.map ? items.length / 2 : items.length;
    this.index = 0;
    this.keys = undefined;
    this.sink = undefined;
  }

  /** Notes that the head has been written and slots start at `slotsAt`. */
  headed(slotsAt: number): void {
    this.slotsAt = slotsAt;
    this.room = bodyBytesMax - (slotsAt - this.start - 2) - (this.count >= tableFrom ? 2 * this.count : 0);
  }

  /** Lets go of the value. */
  release(): void {
    this.items = nothing;
    this.keys = undefined;
    this.sink = undefined;
    this.watched = undefined;
  }

  /** The step from this container to the item under way, for messages. */
  step(): string | number | { step: string } {
    const index = this.index - 1;
    if (this.keys !== undefined) return this.keys[index] ?? '';
    if (this.tag === Tag.list) return index;
    if (this.tag === Tag.set) return { step: `{item ${index}}` };
    if (this.tag !== Tag.map) return { step: '' };
    if (index % 2 === 0) return { step: `{key ${index / 2}}` };
    const key = this.items[index - 1];
    return { step: typeof key === 'string' ? `.get(${JSON.stringify(key)})` : `{value ${(index - 1) / 2}}` };
  }
}
