/**
 * A checkpoint (c2sp.org/tlog-checkpoint): the text of the note that a log signs about its tree.
 *
 *     <origin>
 *     <number of leaves>
 *     <base64 of the root>
 */
type Checkpoint = { readonly origin: string; readonly size: number; readonly root: Uint8Array }

export function formatCheckpoint({ origin, size, root }: Checkpoint): string {
  return `${origin}\n${size}\n${Buffer.from(root).toString('base64')}\n`
}

/** The members, or undefined for a text that is no checkpoint. Lines after the third are extensions, and ignored. */
export function parseCheckpoint(text: string): Checkpoint | undefined {
  const [origin, digits = '', base64 = ''] = text.split('\n')
  const root = Buffer.from(base64, 'base64')
  if (!origin || !/^(0|[1-9][0-9]{0,15})$/.test(digits)) return undefined
  const size = Number(digits)
  if (!Number.isSafeInteger(size) || root.length !== 32 || root.toString('base64') !== base64) return undefined
  return { origin, size, root: Uint8Array.from(root) }
}
