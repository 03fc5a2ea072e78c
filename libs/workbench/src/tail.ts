/** What was printed last is what explains a failure: memory stays bounded however much is printed. */

/** The last `bytes_max` bytes of what was pushed. */
export class TailBuffer {
  readonly #bytes_max: number;
  #chunks: Buffer[] = [];
  #bytes = 0;
  /** All bytes ever pushed, kept or not. */
  pushed = 0;

  constructor(bytes_max: number) {
    this.#bytes_max = bytes_max;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    this.pushed += chunk.length;
    // Compacts only once twice the limit is held: one copy per `bytes_max` bytes printed, however small the chunks are.
    if (this.#bytes > 2 * this.#bytes_max) this.#compact();
  }

  bytes(): Buffer {
    this.#compact();
    return this.#chunks[0] ?? Buffer.alloc(0);
  }

  #compact(): void {
    const all = Buffer.concat(this.#chunks, this.#bytes);
    // A copy, so that the bytes cut off are freed.
    const kept = all.length > this.#bytes_max ? Buffer.from(all.subarray(all.length - this.#bytes_max)) : all;
    this.#chunks = [kept];
    this.#bytes = kept.length;
  }
}

/** The end of a text, at most `chars_max`, from the start of a line where that is possible. */
export function tailOf(text: string, chars_max: number): string {
  const trimmed = text.trimEnd();
  if (trimmed.length <= chars_max) return trimmed;
  const cut = trimmed.slice(trimmed.length - chars_max);
  const line = cut.indexOf('\n');
  return line >= 0 && line < cut.length - 1 ? cut.slice(line + 1) : cut;
}
