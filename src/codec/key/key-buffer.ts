const bytesKept = 64 * 1024;
/** Views of fewer bytes are kept. */
const lentMax = 64;

/** Where keys are put together before they are copied out, so that a key costs one allocation. */
export class KeyBuffer {
  bytes: Buffer = Buffer.allocUnsafeSlow(1024);
  end = 0;
  /** Views of the first bytes of `#lender`, by length. */
  readonly #lent: Array<Uint8Array | undefined> = [];
  #lender: Buffer | undefined;

  /** Makes room for `size` more bytes. */
  reserve(size: number): void {
    if (this.end + size <= this.bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(this.bytes.length * 2, this.end + size));
    this.bytes.copy(grown, 0, 0, this.end);
    this.bytes = grown;
  }

  push(byte: number): void {
    this.reserve(1);
    this.bytes[this.end++] = byte;
  }

  /** What has been written; the buffer starts anew. */
  take(): Uint8Array {
    const size = this.end;
    const key = Buffer.allocUnsafe(size);
    if (size < 48) for (let i = 0; i < size; i++) key[i] = this.bytes[i]!;
    else this.bytes.copy(key, 0, 0, size);
    this.clear();
    return key;
  }

  /** As `take`, without a copy: good until the buffer is written to again. */
  lend(): Uint8Array {
    const { bytes, end } = this;
    if (this.#lender !== bytes) {
      this.#lender = bytes;
      this.#lent.length = 0;
    }
    this.clear();
    if (end >= lentMax) return bytes.subarray(0, end);
    return (this.#lent[end] ??= bytes.subarray(0, end));
  }

  clear(): void {
    this.end = 0;
    if (this.bytes.length > bytesKept) this.bytes = Buffer.allocUnsafeSlow(1024);
  }
}
