import type { Adapter } from '@hansard/adapter'
import { EVENT_KINDS } from '@hansard/compliance-event'
import {
  type AcceptedGap,
  FIRST_MANIFEST_FORMAT,
  type Fork,
  type IncompletePage,
  type Manifest,
  type ManifestFile,
  manifestInterval,
} from '@hansard/evidence'
import type { Export, ExportFileRecord, ExportSettings, StagedGap, TimeNotRunning } from '@hansard/staging'
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
  notRunning,
  gaps,
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
  notRunning: readonly TimeNotRunning[]
  gaps: readonly StagedGap[]
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
    ...(notRunning.length > 0 ? { notRunning: notRunning.map(written) } : {}),
    ...(gaps.length === 0 ? {} : { acceptedGaps: gaps.map(describeGap) }),
    previousManifestSha256,
    ...sources,
  }
}

function written({ from, to, lastSigns }: TimeNotRunning) {
  const iso = (at: number) => new Date(at).toISOString()
  return { from: iso(from), to: iso(to), lastSigns: lastSigns.map(({ at, ...name }) => ({ ...name, at: iso(at) })) }
}

function describeGap({ at, acceptedBy: [first, second], ...gap }: StagedGap): AcceptedGap {
  return { ...gap, acceptedBy: [first, second], at: new Date(at).toISOString() }
}

/** A replay of a sealed export uses the recorded format. */
export function formatOf(settings: ExportSettings): Manifest['format'] {
  return (settings.manifestFormat ?? FIRST_MANIFEST_FORMAT) as Manifest['format']
}
