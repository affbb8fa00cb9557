/** What must be kept could not be written: the disk is full, read-only or broken. What is on it is as it was before. */
export class DiskError extends Error {
  override readonly name = 'DiskError'
}
