import { Readable } from 'node:stream';
import { ReadableStream } from 'node:stream/web';

/** A Readable of Node in object mode. (It can not carry null, which ends it: such items are an error there.) */
export function toNodeStream(items: AsyncIterable<unknown>): Readable {
  return Readable.from(items, { objectMode: true });
}

/** A ReadableStream of the web, which pulls as it is read. */
export function toWebStream<T>(items: AsyncIterable<T>): ReadableStream<T> {
  let iterator: AsyncIterator<T> | undefined;
  return new ReadableStream<T>({
    async pull(controller) {
      iterator ??= items[Symbol.asyncIterator]();
      const { done, value } = await iterator.next();
      if (done === true) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await iterator?.return?.();
    },
  });
}
