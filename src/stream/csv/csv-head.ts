/** The head of a CSV text: what its columns are called, and what separates them. */
import { CsvReader } from './csv-rows.ts';
import type { CsvOptions } from './csv-dialect.ts';

export interface CsvHead {
  readonly columns: readonly string[];
  readonly delimiter: string;
}

/** Reads as far as the first row. Undefined for a text without one. Throws FORMAT as `readCsv`. */
export async function readCsvHead(chunks: AsyncIterable<Uint8Array>, options: CsvOptions): Promise<CsvHead | undefined> {
  const reader = new CsvReader({ ...options, onBadLine: () => {} });
  for await (const chunk of chunks) {
    reader.take(chunk);
    if (reader.head !== undefined) return reader.head;
  }
  reader.end();
  return reader.head;
}
