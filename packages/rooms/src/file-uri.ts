const GUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const FILE_URI = /^ma-filelink:\/\/([a-z0-9.-]+)\/([0-9a-f-]{36})$/

/** `ma-filelink://<domain>/<guid>`: how a chat refers to a file. The link grants no right to the file. */
export function fileUri(domain: string, fileId: string): string {
  return `ma-filelink://${domain}/${fileId}`
}

/** The id of a file from its URI or from the id itself; undefined when the text is neither. */
export function parseFileUri(text: string): string | undefined {
  const id = FILE_URI.exec(text)?.[2] ?? text
  return GUID.test(id) ? id : undefined
}
