import { createHash } from 'node:crypto'
import type { Adapter, RecordAdapter, XsltEngine } from '@hansard/adapter'
import type { Content } from '@hansard/durable-file'
import type { Database } from '@hansard/sql'
import { filesOf, findExport, getStylesheet } from '@hansard/staging'
import { damagedFilesOf } from './check-files.ts'
import { renderExport } from './render-export.ts'

type Replayed = {
  readonly adapter: string
  readonly number: number
  readonly identical: boolean
  readonly files: number
  readonly differences: readonly {
    readonly name: string
    readonly sealedSha256: string | null
    readonly renderedSha256: string | null
  }[]
  /** files on disk that are not as they were sealed */
  readonly onDisk: readonly { readonly name: string; readonly problem: string }[]
}

/**
 * Renders a sealed export again from the staged events and compares it, file by file, with the sealed one. Writes
 * nothing. Compares the files on disk with what was sealed too. Uses the settings and the stylesheet recorded with the
 * export, not the current ones.
 */
export async function replayExport(
  deps: {
    db: Database
    engine: XsltEngine
    adapters: ReadonlyMap<string, Adapter | RecordAdapter>
    signal: AbortSignal
  },
  { adapter, number }: { adapter: string; number: number },
): Promise<Replayed | { readonly refused: string }> {
  const { db, adapters } = deps
  const sealed = await findExport(db, { adapter, number })
  if (!sealed) return { refused: `There is no export ${adapter}/${number}.` }
  const { settings, state } = sealed
  if (state !== 'sealed' || settings === null) return { refused: `${adapter}/${number} is not sealed yet.` }
  const program = adapters.get(settings.adapter)
  if (!program)
    return { refused: `${adapter}/${number} was made by the adapter ${settings.adapter}, which is not installed.` }

  const { files: rendered } = await renderExport(
    { ...deps, adapter: program, put: ({ content }) => digest(content) },
    {
      planned: sealed,
      settings,
      stylesheet: await getStylesheet(db, settings.stylesheetSha256),
      previousManifestSha256: sealed.previousManifestSha256,
    },
  )
  const renderedByName = new Map(rendered.map((file) => [file.name, file.sha256]))
  const sealedByName = new Map((await filesOf(db, sealed.id)).map((file) => [file.name, file.sha256]))
  const names = [...new Set([...sealedByName.keys(), ...renderedByName.keys()])]
  const differences = names
    .map((name) => ({
      name,
      sealedSha256: sealedByName.get(name) ?? null,
      renderedSha256: renderedByName.get(name) ?? null,
    }))
    .filter(({ sealedSha256, renderedSha256 }) => sealedSha256 !== renderedSha256)
  const { damaged: onDisk } = await damagedFilesOf(db, sealed)
  return { adapter, number, identical: differences.length === 0, files: names.length, differences, onDisk }
}

async function digest(content: Content): Promise<{ size: number; sha256: string }> {
  const hash = createHash('sha256')
  let size = 0
  const take = (piece: Uint8Array | string) => {
    const bytes = typeof piece === 'string' ? Buffer.from(piece, 'utf8') : piece
    hash.update(bytes)
    size += bytes.byteLength
  }
  if (typeof content === 'string' || content instanceof Uint8Array) take(content)
  else for await (const piece of content) take(piece)
  return { size, sha256: hash.digest('hex') }
}
