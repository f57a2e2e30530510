/** The header of a CSV text: what its columns are called, and what separates them. */
import { CsvReader } from './csv-rows.ts';
import type { CsvOptions } from './csv-dialect.ts';

export interface CsvHeader {
  readonly columns: readonly string[];
  readonly delimiter: string;
}

/** Reads as far as the first row. Undefined for a text without one. Throws FORMAT as `readCsv`. */
export async function readCsvHeader(chunks: AsyncIterable<Uint8Array>, options: CsvOptions): Promise<CsvHeader | undefined> {
  const reader = new CsvReader({ ...options, onBadLine: () => {} });
  for await (const chunk of chunks) {
    reader.take(chunk);
    if (reader.header !== undefined) return reader.header;
  }
  reader.end();
  return reader.header;
}
