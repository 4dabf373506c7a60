/** Transient: the disk has no room (or the quota none left). Nothing of what was to be written is there. */
export class FileStoreFull extends Error {
  override name = 'FileStoreFull'
  readonly hint = 'Make room on the disk of the file stores, or give the account more of it.'
}

/** Needs a person: this directory is not the store it is taken for. Nothing was written to it. */
export class WrongStore extends Error {
  override name = 'WrongStore'
  readonly hint =
    'Is the disk mounted? Else name the right directory. A store that moved brings its file store-id along.'
  constructor(directory: string) {
    super(`${directory} is not the file store that this pool has used so far.`)
  }
}

/** The piece does not begin where the last one ended. */
export class WrongOffset extends Error {
  override name = 'WrongOffset'
  readonly received: number
  constructor(received: number) {
    super(`${received} bytes of the file have arrived; the next piece begins there.`)
    this.received = received
  }
}

/** What was to be put in place is not what it was when its hash was taken. Nothing was put in place. */
export class ContentChanged extends Error {
  override name = 'ContentChanged'
}

/** Under this name another content stands, from an earlier attempt. It stays, and this one cannot be put there. */
export class PlacedOtherwise extends Error {
  override name = 'PlacedOtherwise'
}
