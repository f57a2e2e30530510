/** DuckDB, for trials over files. */
import { importPeer } from '../driver.ts';
import type { Driver } from '../driver.ts';
import type { FileSorter } from '../sort-file.ts';

interface Connection {
  run(sql: string): Promise<unknown>;
}

interface DuckDb {
  readonly DuckDBInstance: { create(path: string): Promise<{ connect(): Promise<Connection> }> };
}

export const driver: Driver & FileSorter = {
  open: () => Promise.reject(new Error('DuckDB takes part in trials over files only')),
  async sortFile({ input, output, folder, budgetBytes, field }) {
    const { DuckDBInstance } = await importPeer<DuckDb>('@duckdb/node-api');
    const connection = await (await DuckDBInstance.create(':memory:')).connect();
    await connection.run(`SET memory_limit = '${budgetBytes >> 20}MiB'; SET temp_directory = '${folder}';`);
    await connection.run(`COPY (SELECT * FROM read_json('${input}', format = 'newline_delimited') ORDER BY ${field}) TO '${output}' (FORMAT json)`);
  },
};
