/** What A2 asks of a subject: sort the lines of a JSON Lines file by a number in them. */
export interface FileSorter {
  sortFile(job: FileSort): Promise<void>;
}

export interface FileSort {
  readonly input: string;
  readonly output: string;
  /** Where temporary files go. */
  readonly folder: string;
  readonly budgetBytes: number;
  readonly field: string;
  /** The field is what follows this many separators less one, up to the next. */
  readonly separator: string;
  readonly position: number;
}
