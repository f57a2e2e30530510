/**
 * How `npm test` speaks: as node's own reporter `spec`, with the ten slowest files named before its closing figures. What is slow is moved to `test:long`
 * before the whole takes longer than anybody waits.
 */
import { posix } from 'node:path';
import { Transform } from 'node:stream';
import { spec as Spec } from 'node:test/reporters';

/** What the runner tells: of it all, what is needed here. */
interface Told {
  readonly type: string;
  readonly data: { readonly nesting?: number; readonly file?: string; readonly message?: string; readonly details?: { readonly duration_ms?: number } };
}

const filesNamed = 10;

/** Passes events on to `spec`, and adds lines of its own before the figures at the end. */
class Slowest extends Transform {
  readonly #files = new Map<string, number>();
  #isTold = false;

  constructor() {
    super({ objectMode: true });
  }

  override _transform(event: Told, _encoding: string, done: () => void): void {
    const { type, data } = event;
    const ms = data.details?.duration_ms;
    if ((type === 'test:pass' || type === 'test:fail') && data.nesting === 0 && data.file !== undefined && ms !== undefined) {
      this.#files.set(data.file, (this.#files.get(data.file) ?? 0) + ms);
    }
    if (type === 'test:diagnostic' && data.nesting === 0 && /^tests \d+$/.test(data.message ?? '') && !this.#isTold) this.#tell();
    this.push(event);
    done();
  }

  #tell(): void {
    this.#isTold = true;
    const slowest = [...this.#files].toSorted(([, a], [, b]) => b - a).slice(0, filesNamed);
    this.#say('the slowest files:');
    for (const [file, ms] of slowest) this.#say(`  ${(ms / 1000).toFixed(1).padStart(6)} s  ${posix.join('test', file.split('/test/').at(-1)!.replace(/\.js$/, '.ts'))}`);
  }

  #say(message: string): void {
    this.push({ type: 'test:diagnostic', data: { nesting: 0, message } });
  }
}

const slowest = new Slowest();
const spec = new Spec();
slowest.pipe(spec);

/** The reporter, as node's test runner takes it: events in, text out. */
async function* report(events: AsyncIterable<Told>): AsyncGenerator<unknown, void, undefined> {
  const feeding = (async (): Promise<void> => {
    for await (const event of events) slowest.write(event);
    slowest.end();
  })();
  yield* spec;
  await feeding;
}

export { report as default };
