/** The unit a disk writes as a whole, in bytes. */
export const sectorBytes = 512;

/** A step of a file since its last sync. A write carries bytes; a truncation, the new size. */
type Step =
  | { readonly kind: 'write'; readonly bytes: Uint8Array; readonly position: number; lost: boolean }
  | { readonly kind: 'truncate'; readonly size: number; lost: boolean };

/** A file of CrashStorage as the disk knows it: the bytes that are durable, and the steps that are not. */
export class UnsyncedFile {
  #durable: Buffer = Buffer.alloc(0);
  #steps: Step[] = [];

  write(bytes: Uint8Array, position: number): void {
    if (bytes.length > 0) this.#steps.push({ kind: 'write', bytes: Buffer.from(bytes), position, lost: false });
  }

  truncate(size: number): void {
    this.#steps.push({ kind: 'truncate', size, lost: false });
  }

  sync(): void {
    const steps = this.#steps.filter((step) => !step.lost);
    if (this.#steps.length > 0) this.#durable = replay(this.#durable, steps, { sector: () => steps.length, size: steps.length });
    this.#steps = [];
  }

  /** A sync failed: no later one brings back what was waiting for it. */
  giveUp(): void {
    for (const step of this.#steps) step.lost = true;
  }

  /** The file's bytes after a loss of power: each sector, and the size, from a moment of its own. */
  crash(random: () => number): Buffer {
    const count = this.#steps.length;
    const moment = (): number => Math.floor(random() * (count + 1));
    const mood = random();
    if (mood < 0.15) return Buffer.from(this.#durable);
    if (mood < 0.3) return replay(this.#durable, this.#steps, { sector: () => count, size: count });
    const sectors = new Map<number, number>();
    const sector = (number: number): number => {
      let cut = sectors.get(number);
      if (cut === undefined) sectors.set(number, (cut = moment()));
      return cut;
    };
    // Sizes are metadata and usually follow their data: now and then let them lag or lead.
    return replay(this.#durable, this.#steps, { sector, size: mood < 0.65 ? count : moment() });
  }
}

/** Up to which step (exclusive) each sector, and the size, has come. */
interface Cuts {
  sector(number: number): number;
  readonly size: number;
}

function replay(durable: Buffer, steps: readonly Step[], cuts: Cuts): Buffer {
  let reach = durable.length;
  for (const step of steps) reach = Math.max(reach, step.kind === 'write' ? step.position + step.bytes.length : step.size);
  const image = Buffer.alloc(reach);
  durable.copy(image);
  let size = durable.length;
  steps.forEach((step, i) => {
    const from = step.kind === 'write' ? step.position : step.size;
    const to = step.kind === 'write' ? from + step.bytes.length : reach;
    for (let at = from; at < to; ) {
      const number = Math.floor(at / sectorBytes);
      const end = Math.min(to, (number + 1) * sectorBytes);
      if (i < cuts.sector(number)) {
        if (step.kind === 'write') image.set(step.bytes.subarray(at - from, end - from), at);
        else image.fill(0, at, end);
      }
      at = end;
    }
    if (i < cuts.size) size = step.kind === 'write' ? Math.max(size, to) : step.size;
  });
  return image.subarray(0, size);
}
