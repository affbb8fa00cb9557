/** A piece of what a container wrote. */
export interface LogPiece {
  readonly name: 'stdout' | 'stderr'
  readonly bytes: Buffer
}

const headerBytes = 8
const stderrStream = 2

/**
 * Takes apart the engine's log stream: frames of 8 bytes header (stream number, 3 bytes nothing, length as uint32) and
 * content. A frame's content is passed on as it comes, whole or not, so that nothing piles up here.
 */
export class LogFrames {
  #header = Buffer.alloc(0)
  #name: LogPiece['name'] = 'stdout'
  #contentLeft = 0

  push(chunk: Buffer): LogPiece[] {
    const pieces: LogPiece[] = []
    let rest = chunk
    while (rest.length > 0) {
      if (this.#contentLeft === 0) {
        rest = this.#readHeader(rest)
        continue
      }
      const bytes = rest.subarray(0, this.#contentLeft)
      this.#contentLeft -= bytes.length
      rest = rest.subarray(bytes.length)
      pieces.push({ name: this.#name, bytes })
    }
    return pieces
  }

  #readHeader(chunk: Buffer): Buffer {
    const missing = headerBytes - this.#header.length
    this.#header = Buffer.concat([this.#header, chunk.subarray(0, missing)])
    if (this.#header.length === headerBytes) {
      this.#name = this.#header.readUInt8(0) === stderrStream ? 'stderr' : 'stdout'
      this.#contentLeft = this.#header.readUInt32BE(4)
      this.#header = Buffer.alloc(0)
    }
    return chunk.subarray(missing)
  }
}
