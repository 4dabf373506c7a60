/** Transient: the disk is full, or the quota is. Nothing of the attempted write is there. */
export class FileStoreFull extends Error {
  override name = 'FileStoreFull'
  readonly hint = "Free space on the disk of the file stores, or raise the account's quota."
}

/** Needs a person: this directory is not the expected store. Nothing was written to it. */
export class WrongStore extends Error {
  override name = 'WrongStore'
  readonly exitCode = 2
  readonly hint =
    'Check that the disk is mounted, or correct the directory. When you move a store, move its file store-id with it.'
  constructor(directory: string) {
    super(`${directory} is not the file store that this pool has used so far.`)
  }
}

/** The piece does not begin where the previous one ended. */
export class WrongOffset extends Error {
  override name = 'WrongOffset'
  readonly received: number
  constructor(received: number) {
    super(`${received} bytes of the file have arrived; the next piece begins there.`)
    this.received = received
  }
}

/** The content changed since its hash was computed. Nothing was stored. */
export class ContentChanged extends Error {
  override name = 'ContentChanged'
}

/** Another content from an earlier attempt has this name. It stays, and this one cannot be stored there. */
export class PlacedOtherwise extends Error {
  override name = 'PlacedOtherwise'
}
