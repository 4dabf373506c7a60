import type { Adapter } from '@hansard/adapter'
import { EVENT_KINDS } from '@hansard/compliance-event'
import {
  FIRST_MANIFEST_FORMAT,
  type Fork,
  type IncompletePage,
  type Manifest,
  type ManifestFile,
  manifestInterval,
} from '@hansard/evidence'
import type { Export, ExportFileRecord, ExportSettings } from '@hansard/staging'
import type { ManifestSources } from './chain-text.ts'
import type { KindCounts } from './kind-counts.ts'

/** The manifest of an export. It depends on the export alone and contains nothing about the current run. */
export function buildManifest({
  planned,
  settings,
  adapter,
  files,
  counts,
  pages,
  sources,
  forks,
  previousManifestSha256,
}: {
  planned: Export
  settings: ExportSettings
  adapter: Pick<Adapter, 'includesKind'>
  files: readonly ExportFileRecord[]
  counts: KindCounts
  pages: IncompletePage[] | undefined
  sources: ManifestSources
  forks: Fork[]
  previousManifestSha256: string | null
}): Manifest {
  const left = EVENT_KINDS.filter((kind) => !adapter.includesKind(kind) && counts[kind] > 0)
  return {
    format: formatOf(settings),
    pool: settings.pool,
    adapter: {
      name: planned.adapter,
      type: settings.adapter,
      profile: settings.profile,
      version: settings.version,
      engine: settings.engine,
      stylesheetSha256: settings.stylesheetSha256,
    },
    options: { ...settings.options },
    ...(settings.approval === undefined ? {} : { approval: settings.approval }),
    number: planned.number,
    interval: manifestInterval(planned),
    files: files.map(({ name, role, size, sha256, events }) => ({ name, role, size, sha256, events }) as ManifestFile),
    counts: { ...counts, total: planned.events },
    omitted: Object.fromEntries(left.map((kind) => [kind, counts[kind]])),
    ...(pages === undefined ? {} : { pages }),
    forks,
    previousManifestSha256,
    ...sources,
  }
}

/** A replay of a sealed export uses the recorded format. */
export function formatOf(settings: ExportSettings): Manifest['format'] {
  return (settings.manifestFormat ?? FIRST_MANIFEST_FORMAT) as Manifest['format']
}
