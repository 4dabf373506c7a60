import { rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { Adapter, RecordAdapter, XsltEngine } from '@hansard/adapter'
import type { Clock } from '@hansard/clock'
import { digestOf, flushDirectory, writeDurably } from '@hansard/durable-file'
import { assertLease, type Database, type Lease } from '@hansard/sql'
import { filesOf, findExport, getStylesheet, recordFileCheck } from '@hansard/staging'
import { damagedFilesOf } from './check-files.ts'
import { assertIdentity, openDirectory } from './directory-identity.ts'
import { renderExport } from './render-export.ts'
import { replayExport } from './replay-export.ts'

type RestoreDeps = {
  readonly db: Database
  readonly lease: Lease
  readonly clock: Clock
  readonly pool: string
  readonly engine: XsltEngine
  readonly adapters: ReadonlyMap<string, Adapter | RecordAdapter>
  readonly signal: AbortSignal
}

type Restored = {
  readonly adapter: string
  readonly number: number
  /** files that were written again */
  readonly written: readonly string[]
  /** names under which damaged files were kept */
  readonly kept: readonly string[]
}

/**
 * Writes the sealed bytes of an export again where the files on disk are missing or differ.
 *
 * The export is first rendered without writing: unless every file has the sealed hash, nothing is touched. A damaged
 * file is kept beside it, because it may be what an examination needs, under a name that no program picks up.
 */
export async function restoreExport(
  deps: RestoreDeps,
  { adapter, number }: { adapter: string; number: number },
): Promise<Restored | { readonly refused: string }> {
  const { db, lease, clock } = deps
  const replayed = await replayExport(deps, { adapter, number })
  if ('refused' in replayed) return replayed
  if (!replayed.identical) {
    const [first] = replayed.differences
    return {
      refused: `${adapter}/${number} cannot be restored: the record gives other bytes for ${first?.name} than were sealed. Nothing was written. Restore the file from the archive.`,
    }
  }
  const sealed = (await findExport(db, { adapter, number }))!
  const settings = sealed.settings!
  const { directory } = settings
  const identity = await openDirectory(deps, { adapter, directory, first: false })
  const expected = new Map((await filesOf(db, sealed.id)).map((file) => [file.name, file.sha256]))
  const written: string[] = []
  const kept: string[] = []
  await renderExport(
    {
      ...deps,
      adapter: deps.adapters.get(settings.adapter)!,
      async put({ name, content }) {
        const path = join(directory, name)
        const beforeRename = async () => {
          await assertIdentity(directory, identity)
          await assertLease(db, lease)
          const damaged = await digestOf(path)
          if (!damaged) return
          const aside = `.damaged-${name}.${damaged.sha256.slice(0, 16)}`
          await rename(path, join(directory, aside))
          await flushDirectory(directory)
          kept.push(aside)
        }
        await assertLease(db, lease)
        const file = await writeDurably(directory, name, content, { beforeRename })
        if (file.sha256 !== expected.get(name)) throw new Error(`${name} was not rendered as it was sealed.`)
        if (file.replaced) written.push(name)
        return file
      },
    },
    {
      planned: sealed,
      settings,
      stylesheet: await getStylesheet(db, settings.stylesheetSha256),
      previousManifestSha256: sealed.previousManifestSha256,
    },
  )
  const { damaged } = await damagedFilesOf(db, sealed)
  const still = damaged.map((file) => ({ exportId: sealed.id, ...file }))
  await recordFileCheck(db, lease, { checked: [sealed.id], damaged: still, now: clock.now() })
  return { adapter, number, written, kept }
}
