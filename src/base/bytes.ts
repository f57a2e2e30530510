/** Bytes: varints (unsigned LEB128 up to 2^53), fixed-width numbers, and a writer that grows. */

/** The number of bytes `writeVarint` takes for `value`, an integer in [0, 2^53). */
export function varintBytes(value: number): number {
  let bytes = 1;
  while (value >= 128) {
    value = Math.floor(value / 128);
    bytes++;
  }
  return bytes;
}

/** The number of bytes of the varint at `at`. */
export function varintLength(bytes: Uint8Array, at: number): number {
  let end = at;
  while (bytes[end]! >= 128) end++;
  return end + 1 - at;
}

/** Writes `value` at `at` and returns the position after it. */
export function writeVarint(bytes: Uint8Array, at: number, value: number): number {
  while (value >= 0x80000000) {
    bytes[at++] = (value % 128) | 128;
    value = Math.floor(value / 128);
  }
  while (value >= 128) {
    bytes[at++] = (value & 127) | 128;
    value >>>= 7;
  }
  bytes[at++] = value;
  return at;
}

/** A place to read from: decoders advance `at`. Reading past `end` gives NaN, which every check of a length fails. */
export class ByteReader {
  bytes: Uint8Array;
  at: number;
  end: number;

  constructor(bytes: Uint8Array, at = 0, end: number = bytes.length) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  byte(): number {
    return this.at < this.end ? this.bytes[this.at++]! : NaN;
  }

  /** An unsigned varint below 2^53, or NaN where there is none. */
  varint(): number {
    const first = this.at < this.end ? this.bytes[this.at]! : 128;
    if (first < 128) {
      this.at++;
      return first;
    }
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 8; i++) {
      const byte = this.byte();
      if (!(byte >= 0)) return NaN;
      value += (byte & 127) * scale;
      if (byte < 128) return value <= Number.MAX_SAFE_INTEGER ? value : NaN;
      scale *= 128;
    }
    return NaN;
  }

  /** The next `length` bytes without a copy, or undefined where there are not as many. */
  take(length: number): Uint8Array | undefined {
    if (!(length >= 0 && length <= this.end - this.at)) return undefined;
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }
}

export function readUint32(bytes: Uint8Array, at: number): number {
  return (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)) >>> 0;
}

export function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}

/** A buffer that grows as it is written. `finish` gives the bytes away; the writer then starts afresh. */
export class ByteWriter {
  bytes: Buffer;
  length = 0;

  constructor(capacity = 256) {
    this.bytes = Buffer.allocUnsafeSlow(capacity);
  }

  /** Makes room for `more` bytes. */
  reserve(more: number): void {
    const needed = this.length + more;
    if (needed <= this.bytes.length) return;
    const grown = Buffer.allocUnsafeSlow(Math.max(needed, this.bytes.length * 2));
    this.bytes.copy(grown, 0, 0, this.length);
    this.bytes = grown;
  }

  byte(value: number): void {
    this.reserve(1);
    this.bytes[this.length++] = value;
  }

  varint(value: number): void {
    this.reserve(8);
    this.length = writeVarint(this.bytes, this.length, value);
  }

  uint32(value: number): void {
    this.reserve(4);
    writeUint32(this.bytes, this.length, value);
    this.length += 4;
  }

  raw(source: Uint8Array): void {
    this.reserve(source.length);
    this.bytes.set(source, this.length);
    this.length += source.length;
  }

  /** The bytes written so far, without a copy: valid until the next write. */
  written(): Buffer {
    return this.bytes.subarray(0, this.length);
  }

  reset(): void {
    this.length = 0;
  }
}
