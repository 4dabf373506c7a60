const GUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}'
const FILE_ID = new RegExp(`^${GUID}$`)
const STORED_NAME = new RegExp(`^${GUID}(?:\\.[a-z0-9]{1,16})?$`)

export function newFileId(): string {
  return crypto.randomUUID()
}

/** A guid as we make them. `$` without the flag `m` matches at the very end only, so no line break gets through. */
export function isFileId(text: string): boolean {
  return FILE_ID.test(text)
}

/** `<guid>.<ext>` or `<guid>`: the only names that ever reach the disk. */
export function isStoredName(text: string): boolean {
  return STORED_NAME.test(text)
}

/**
 * The name a file is stored under: its guid and, for archives that need it, the extension of its original name if
 * that is a plain one. The rest of the original name stays in the database.
 */
export function storedNameOf(fileId: string, fileName: string): string {
  if (!isFileId(fileId)) throw new Error('A file id must be a guid.')
  const extension = /\.([a-z0-9]{1,16})$/i.exec(fileName)?.[1]?.toLowerCase()
  return extension === undefined || fileName.lastIndexOf('.') === 0 ? fileId : `${fileId}.${extension}`
}
