import { createHash } from 'node:crypto'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type Adapter,
  type AdapterSetting,
  directoryOf,
  type RecordAdapter,
  StylesheetError,
  type XsltEngine,
} from '@hansard/adapter'
import type { Clock } from '@hansard/clock'
import { clearTemporaries, digestOf, removeDurably, writeDurably } from '@hansard/durable-file'
import { type IncompletePage, MANIFEST_FORMAT, MANIFEST_SUFFIX } from '@hansard/evidence'
import type { Log } from '@hansard/log'
import { assertLease, type Database, type Lease } from '@hansard/sql'
import {
  type ApprovalMode,
  bindEvents,
  type Export,
  type ExportFileRecord,
  type ExportSettings,
  previousManifest,
  recordSettings,
  sealExport,
} from '@hansard/staging'
import { adoptSealedExport } from './adopt-sealed.ts'
import { checkStoredFile, type OpenStoredFile } from './check-stored-file.ts'
import { isDiskTrouble } from './classify-error.ts'
import { assertIdentity, openDirectory } from './directory-identity.ts'
import { belongsTo, manifestFileOf, stemOf } from './file-names.ts'
import { incompleteness } from './incompleteness.ts'
import { renderExport } from './render-export.ts'
import { type DiskState, refused } from './sealed-on-disk.ts'

/** What the exporter needs. `lease` is the one it holds now; without it nothing is written or sealed. */
export type ExportDeps = {
  readonly db: Database
  readonly lease: Lease
  readonly clock: Clock
  readonly log: Log
  readonly engine: XsltEngine
  readonly pool: string
  /** the worker, for the audit trail */
  readonly holder: string
  readonly outputDirectory: string
  readonly openStoredFile: OpenStoredFile
  readonly signal: AbortSignal
}

/** What needs no stylesheet. Whatever needs one runs in a lane, with the lane's engine. */
export type TurnDeps = Omit<ExportDeps, 'engine'>

/**
 * One export of one adapter: plan, fold, translate, write, seal. In that order.
 *
 * After a crash at any step, the next run starts from the plan and repeats the rest. Every step between plan and seal
 * may therefore happen twice and must give the same result: the set of events was bound before a byte was written, a
 * file with the same bytes is left alone, and the manifest, which makes the others valid, comes last. Once the manifest
 * is there, the export is not written again: it is adopted as it is.
 */
export async function runExport(
  deps: ExportDeps,
  {
    setting,
    adapter,
    unsealed,
    diskState,
    approval,
  }: {
    setting: AdapterSetting
    adapter: Adapter | RecordAdapter
    unsealed: Export
    /** what the directory holds that the database does not know as sealed */
    diskState: () => Promise<Pick<DiskState, 'unknown' | 'problem'>>
    /** how many people it took, or takes, to change what is exported */
    approval: ApprovalMode
  },
): Promise<void> {
  const { db, lease, clock, pool, holder, signal } = deps
  const planned = await bindEvents(db, lease, unsealed)
  signal.throwIfAborted()

  const byOne = approval === 'one-person' ? { approval } : {}
  const settings = { ...settingsOf(deps, setting, adapter), ...byOne }
  const stylesheet = setting.stylesheet ?? adapter.defaultStylesheet
  const { adapter: name, number } = planned
  const identity = await openDirectory(deps, { adapter: name, directory: settings.directory, first: number === 1 })
  await assertLease(db, lease)
  const disk = await diskState()
  const sealed = disk.unknown.get(planned.number)
  if (sealed) {
    const adopting = { db, lease, pool, now: clock.now(), actor: `worker:${holder}` }
    const files = await adoptSealedExport(adopting, { planned, directory: settings.directory, sealed })
    if (planned.settings !== null) await removeOthers(deps, settings.directory, stemOf(planned), files)
    return
  }
  if (disk.problem) throw disk.problem
  await refuseManifest(settings.directory, manifestFileOf(planned))
  if (planned.settings !== null) await clearEarlierAttempt(deps, planned, settings)
  await recordSettings(db, lease, { exportId: planned.id, settings, stylesheet })

  const previousManifestSha256 = await previousManifest(db, planned)
  const { files, pages } = await renderExport(
    {
      ...deps,
      adapter,
      put: (file) => write(deps, { directory: settings.directory, identity }, file),
      beforeUpload: (upload) => checkStoredFile(deps.openStoredFile, upload),
      beforeManifest: (pages) => {
        if (setting.stopWhenIncomplete) refuseIncomplete(planned, pages)
      },
    },
    { planned, settings, stylesheet, previousManifestSha256 },
  )
  if (planned.settings !== null) await removeOthers(deps, settings.directory, stemOf(planned), files)
  await sealExport(db, lease, {
    exportId: planned.id,
    files,
    previousManifestSha256,
    incomplete: incompleteness(pages),
    now: clock.now(),
  })
}

/** Without its manifest the export is not sealed: the next attempt may have another stylesheet. */
function refuseIncomplete({ adapter, number }: Export, pages: readonly IncompletePage[] | undefined): void {
  const words = incompleteness(pages)
  if (words === undefined) return
  throw new StylesheetError({
    problem: `${adapter}/${number} would be incomplete and is not sealed: ${words}.`,
    hint: `Correct the stylesheet of ${adapter}, or let it seal such exports with stopWhenIncomplete off. Nothing is lost.`,
  })
}

export function settingsOf(
  { engine, pool, outputDirectory }: Pick<ExportDeps, 'engine' | 'pool' | 'outputDirectory'>,
  setting: AdapterSetting,
  adapter: Adapter | RecordAdapter,
): ExportSettings {
  const { oneChatRoomPerOutputFile, addChatRoomDetails, addUserDetails, eventsPerFileMax } = setting
  const { createFileAttachmentsManifest } = setting
  return {
    adapter: adapter.name,
    profile: adapter.profile,
    version: adapter.version,
    engine: adapter.profile === 'record-1' ? adapter.engine : engine.version,
    stylesheetSha256: sha256Of(setting.stylesheet ?? adapter.defaultStylesheet),
    pool,
    options: {
      oneChatRoomPerOutputFile,
      addChatRoomDetails,
      addUserDetails,
      createFileAttachmentsManifest,
      eventsPerFileMax,
    },
    directory: directoryOf(setting, outputDirectory),
    manifestFormat: MANIFEST_FORMAT,
    comparesPages: true,
  }
}

async function write(
  { db, lease }: ExportDeps,
  { directory, identity }: { directory: string; identity: string },
  { name, content }: { name: string; content: Parameters<typeof writeDurably>[2] },
): Promise<{ size: number; sha256: string }> {
  // A worker that slept past the end of its lease stops here: before it writes files that nobody needs, and again
  // before it replaces a file that its successor may have sealed. No slow operation happens between that check and
  // the rename.
  await assertLease(db, lease)
  await assertIdentity(directory, identity)
  const beforeRename = async () => {
    await assertIdentity(directory, identity)
    await assertLease(db, lease)
  }
  return writeDurably(directory, name, content, { beforeRename })
}

/** A manifest makes an export evidence. One that appeared since the directory was read is read before anything else. */
async function refuseManifest(directory: string, file: string): Promise<void> {
  if (await digestOf(join(directory, file))) throw refused(directory, file, 'is not known to the database')
}

/**
 * Removes the leftovers of a run that died with other settings. The manifest goes first, so that there is never a
 * manifest beside documents that it does not describe.
 */
async function clearEarlierAttempt(deps: ExportDeps, planned: Export, settings: ExportSettings): Promise<void> {
  await assertLease(deps.db, deps.lease)
  await clearTemporaries(settings.directory)
  if (JSON.stringify(planned.settings) === JSON.stringify(settings)) return
  const stem = stemOf(planned)
  const earlier = planned.settings!.directory
  await removeFiles(deps, settings.directory, (name) => belongsTo(stem, name))
  if (earlier === settings.directory) return
  try {
    await removeFiles(deps, earlier, (name) => belongsTo(stem, name))
  } catch (error) {
    // The adapter was given another directory, often because this one is unusable. Do not delay the export for it.
    if (!isDiskTrouble(error)) throw error
    const { adapter, number } = planned
    deps.log.warn(
      { export: `${adapter}/${number}`, directory: earlier, err: error },
      'files of an earlier attempt stay',
    )
  }
}

async function removeOthers(
  deps: ExportDeps,
  directory: string,
  stem: string,
  files: readonly ExportFileRecord[],
): Promise<void> {
  const ours = new Set(files.map((file) => file.name))
  await removeFiles(deps, directory, (name) => belongsTo(stem, name) && !ours.has(name))
}

/** Manifests first. The lease is checked before each removal: a successor's sealed files have the same names. */
async function removeFiles({ db, lease }: ExportDeps, directory: string, which: (name: string) => boolean) {
  const names = (await readdir(directory)).filter(which)
  const beforeEach = () => assertLease(db, lease)
  const manifests = names.filter((name) => name.endsWith(MANIFEST_SUFFIX))
  await removeDurably(directory, manifests, { beforeEach })
  await removeDurably(directory, names, { beforeEach })
}

function sha256Of(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
