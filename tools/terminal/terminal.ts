import { styleText } from 'node:util';
import type { Writable } from 'node:stream';

type Cell = string | number | bigint;

/**
 * Where a command speaks: results on stdout, everything else on stderr. Progress is drawn only where somebody looks: on a
 * stderr that is a terminal, and not between rows that go to the same one.
 */
export class Terminal {
  /** Whether results are for machines. */
  readonly json: boolean;
  readonly #out: Writable & { readonly isTTY?: boolean };
  readonly #error: Writable & { readonly isTTY?: boolean; readonly columns?: number };
  #drawnAt = 0;
  #startedAt = 0;
  /** What was being done at the last call, since when, and how far it was then. */
  #what = '';
  #whatAt = 0;
  #whatDone = 0;
  #rested = performance.now();
  /** Rows go where progress is drawn. */
  #isShowing = false;
  #failure: Error | undefined;

  constructor(json: boolean, out: Writable, error: Writable) {
    this.json = json;
    this.#out = out;
    out.on('error', (error: Error) => void (this.#failure ??= error));
    this.#error = error;
  }

  /** Writes text to stdout; resolves when there is room for more. */
  async write(text: string): Promise<void> {
    if (this.#out.isTTY === true) {
      this.endProgress();
      this.#isShowing = true;
    }
    await this.#rest();
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#out.destroyed || this.#out.write(text)) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        for (const event of ['drain', 'close', 'error']) this.#out.off(event, done);
        resolve();
      };
      for (const event of ['drain', 'close', 'error']) this.#out.on(event, done);
    });
  }

  /** Resolves when all that was written is out. Throws what kept it from that. */
  async flush(): Promise<void> {
    await new Promise<void>((resolve) => {
      if (this.#out.destroyed) resolve();
      else this.#out.write('', () => resolve());
    });
    // A failure is told of after the write's own callback.
    await new Promise(setImmediate);
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Files are written at once, so nobody else has a turn meanwhile, and no Ctrl-C is heard. */
  async #rest(): Promise<void> {
    if (performance.now() - this.#rested < 20) return;
    await new Promise(setImmediate);
    this.#rested = performance.now();
  }

  /** Writes a line to stdout. */
  async line(text: string): Promise<void> {
    await this.write(`${text}\n`);
  }

  /** Writes a line to stderr. */
  note(text: string): void {
    this.endProgress();
    this.#error.write(`${text}\n`);
  }

  /** One result: an object for machines, aligned names and values for people. */
  async report(fields: Readonly<Record<string, Cell>>): Promise<void> {
    if (this.json) return await this.line(JSON.stringify(fields));
    await this.table(Object.entries(fields).map(([name, value]) => [name, typeof value === 'number' ? grouped(value) : value]));
  }

  /** Aligned columns; those of numbers to the right. */
  async table(rows: readonly (readonly Cell[])[], head?: readonly string[]): Promise<void> {
    await this.write(alignTable(rows, head));
  }

  /**
   * Draws how far something has come, at most ten times a second: `done` and `total` are in the same unit; of `bytes` moved so far it
   * shows the rate. The time left is that of what is being done now.
   */
  progress(what: string, done: number, total?: number, bytes?: number): void {
    if (this.#error.isTTY !== true || this.#isShowing) return;
    const now = performance.now();
    this.#startedAt ||= now;
    if (what !== this.#what) [this.#what, this.#whatAt, this.#whatDone] = [what, now, done];
    if (now - this.#drawnAt < 100) return;
    this.#drawnAt = now;
    const share = total === undefined || total === 0 ? undefined : Math.min(1, done / total);
    const bar = share === undefined ? '' : `[${'#'.repeat(Math.round(share * 24)).padEnd(24, '.')}] ${Math.floor(share * 100)} %  `;
    const seconds = (now - this.#startedAt) / 1000;
    const rate = bytes === undefined || seconds < 1 ? '' : `  ${formatBytes(bytes / seconds)}/s`;
    const steps = done - this.#whatDone;
    const left = total === undefined || steps <= 0 ? '' : `, ${(((now - this.#whatAt) / 1000 / steps) * (total - done)).toFixed(0)} s left`;
    const line = `${bar}${what}${rate}  ${seconds.toFixed(0)} s${left}`;
    this.#error.write(`\r\u001B[K${line.slice(0, (this.#error.columns || 80) - 1)}`);
  }

  /** Takes the progress line away. */
  endProgress(): void {
    if (this.#drawnAt > 0) this.#error.write('\r\u001B[K');
    this.#drawnAt = 0;
  }

  /** Text that stands out where colours show. */
  strong(text: string): string {
    return (this.#out as { isTTY?: boolean }).isTTY === true ? styleText('bold', text) : text;
  }
}

const numeric = /^(?:-?[\d,.]+(?: (?:B|[KMGTP]iB|ms|s|µs|%))?)?$/;

/** Lays out columns two spaces apart, numbers to the right, without spaces at line ends. */
export function alignTable(rows: readonly (readonly Cell[])[], head?: readonly string[]): string {
  const all = head === undefined ? rows : [head, ...rows];
  const columns = Math.max(0, ...all.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, column) => Math.max(...all.map((row) => String(row[column] ?? '').length)));
  const right = widths.map((_, column) => rows.length > 0 && column > 0 && rows.every((row) => numeric.test(String(row[column] ?? ''))));
  const lines = all.map((row) => row.map((cell, column) => (right[column] ? String(cell).padStart(widths[column]!) : String(cell).padEnd(widths[column]!))).join('  ').trimEnd());
  return lines.map((line) => `${line}\n`).join('');
}

/** 1234567 as `1,234,567`; fractions with at most three digits. */
export function grouped(value: number): string {
  return value.toLocaleString('en-US', { maximumFractionDigits: 3 });
}

/** Bytes for people: `512 B`, `1.5 KiB`, `20.1 MiB`. */
export function formatBytes(bytes: number): string {
  const power = bytes < 1024 ? 0 : Math.min(5, Math.floor(Math.log2(bytes) / 10));
  return power === 0 ? `${Math.round(bytes)} B` : `${(bytes / 1024 ** power).toFixed(1)} ${['', 'K', 'M', 'G', 'T', 'P'][power]}iB`;
}

/** A duration for people: `12.3 µs`, `4.5 ms`, `6.7 s`. */
export function formatMs(ms: number): string {
  if (ms >= 1000) return `${(ms / 1000).toFixed(1)} s`;
  return ms >= 1 ? `${ms.toFixed(1)} ms` : `${(ms * 1000).toFixed(1)} µs`;
}
