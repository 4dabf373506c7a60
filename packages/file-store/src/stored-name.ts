const GUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}'
const FILE_ID = new RegExp(`^${GUID}$`)
const STORED_NAME = new RegExp(`^${GUID}(?:\\.[a-z0-9]{1,16})?$`)

export function newFileId(): string {
  return crypto.randomUUID()
}

/** A guid as we make them. `$` without the flag `m` matches at the very end only: no line break slips through. */
export function isFileId(text: string): boolean {
  return FILE_ID.test(text)
}

/** `<guid>.<ext>` or `<guid>`: the only names that ever reach the disk. */
export function isStoredName(text: string): boolean {
  return STORED_NAME.test(text)
}

/**
 * The name a file is kept under: its guid, and the extension of the name it came with where that is a plain one, for
 * the archives that go by it. Everything else of that name stays in the database.
 */
export function storedNameOf(fileId: string, fileName: string): string {
  if (!isFileId(fileId)) throw new Error('A file is kept under a guid of ours only.')
  const extension = /\.([a-z0-9]{1,16})$/i.exec(fileName)?.[1]?.toLowerCase()
  return extension === undefined || fileName.lastIndexOf('.') === 0 ? fileId : `${fileId}.${extension}`
}
