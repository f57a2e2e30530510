/** `lodemap/stream`: pipelines over more items than memory holds. */
export { Stream } from './stream.ts';
export type { StreamJoinOptions } from './stream.ts';
export type { RunOptions } from './stream-run.ts';
export type { CsvTextOptions } from './csv/csv-text.ts';
export type { CsvFileOptions, JsonLinesFileOptions } from './file/file-formats.ts';
export { FormatError } from './format-error.ts';
export type { By, ModuleBy } from '../external/by.ts';
export type { JoinType } from '../external/join.ts';
export type { SortOptions } from '../external/sort/sort.ts';
export type { Source } from '../external/source.ts';
export type { Key } from '../codec/key/keys.ts';
export type { Progress } from '../heap/verify/verify.ts';
