import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { ZipFile } from 'yazl'
import { contentsOfZip } from './pool-in-test.ts'

type Entries = Map<string, string>

/** Rewrites a data file with changes: `edit` receives the entries as latin1. `honest`: recomputes the hashes. */
export async function alterZip(
  from: string,
  to: string,
  edit: (entries: Entries) => void,
  { honest = true }: { honest?: boolean } = {},
): Promise<string> {
  const entries = await contentsOfZip(from)
  edit(entries)
  if (honest) seal(entries)
  await writeFile(to, await zipOf([...entries]))
  return to
}

/** The bytes of a zip of these entries in this order, duplicate names included. */
export async function zipOf(entries: readonly (readonly [string, string])[]): Promise<Buffer> {
  const zip = new ZipFile()
  for (const [name, content] of entries) zip.addBuffer(Buffer.from(content, 'latin1'), name)
  zip.end()
  return buffer(zip.outputStream as Readable)
}

function seal(entries: Entries): void {
  type Listed = { name: string; bytes: number; lines: number | null; sha256: string }
  const manifest = JSON.parse(entries.get('manifest.json')!) as { entries: Listed[] }
  manifest.entries = manifest.entries.flatMap((entry) => {
    const content = entries.get(entry.name)
    if (content === undefined) return []
    const lines = entry.lines === null ? null : content.split('\n').length - 1
    return [{ name: entry.name, bytes: content.length, lines, sha256: sha256(content) }]
  })
  entries.set('manifest.json', `${JSON.stringify(manifest)}\n`)
  const about = JSON.parse(entries.get('about.json')!) as { sha256: Record<string, string> }
  about.sha256['manifest.json'] = sha256(entries.get('manifest.json')!)
  entries.set('about.json', `${JSON.stringify(about)}\n`)
}

function sha256(content: string): string {
  return createHash('sha256').update(Buffer.from(content, 'latin1')).digest('hex')
}
