import {
  type Adapter,
  type AdapterOptions,
  type Page,
  type RecordAdapter,
  showsEverything,
  type XsltEngine,
} from '@hansard/adapter'
import type { ComplianceEvent, EventOf } from '@hansard/compliance-event'
import { foldConversations, type RoomSlice } from '@hansard/conversation'
import type { Content } from '@hansard/durable-file'
import { encodeManifest, type IncompletePage } from '@hansard/evidence'
import type { Database } from '@hansard/sql'
import {
  type Export,
  type ExportFileRecord,
  type ExportSettings,
  exportEvents,
  forksOfInterval,
  roomsWithRoster,
  rostersOf,
} from '@hansard/staging'
import { buildManifest, formatOf } from './build-manifest.ts'
import { type ChainText, chainText } from './chain-text.ts'
import { chainFileOf, manifestFileOf, stemOf } from './file-names.ts'
import { type KindCounts, newKindCounts, totalOf } from './kind-counts.ts'
import { renderTexts } from './render-texts.ts'

/** Writes a file's content completely and returns its size and hash. */
type PutFile = (file: {
  readonly name: string
  readonly role: ExportFileRecord['role']
  readonly content: Content
}) => Promise<{ readonly size: number; readonly sha256: string }>

/**
 * Fold and translate: renders a planned export, file by file, documents first and the manifest last.
 *
 * The bytes depend only on the events bound to the export and on the settings and stylesheet recorded for it: no
 * clock, no host name, no order of arrival. So it can be run again after a crash, or years later to compare.
 */
export async function renderExport(
  {
    db,
    adapter,
    engine,
    put,
    signal,
    beforeUpload = async () => {},
    beforeManifest = () => {},
  }: {
    db: Database
    adapter: Adapter | RecordAdapter
    engine: XsltEngine
    put: PutFile
    signal: AbortSignal
    /** Called with every upload before it is exported; an error stops the export. */
    beforeUpload?: (upload: EventOf<'file-upload'>) => Promise<void>
    /** Called when all documents are written; an error stops the export. */
    beforeManifest?: (pages: readonly IncompletePage[] | undefined) => void
  },
  subject: {
    planned: Export
    settings: ExportSettings
    stylesheet: string
    previousManifestSha256: string | null
  },
): Promise<{ files: ExportFileRecord[]; pages: IncompletePage[] | undefined }> {
  const { planned, settings, stylesheet } = subject
  const options = settings.options as unknown as AdapterOptions
  const files: ExportFileRecord[] = []
  const add = async (name: string, role: ExportFileRecord['role'], content: Content, events: () => number) => {
    signal.throwIfAborted()
    const { size, sha256 } = await put({ name, role, content })
    files.push({ name, role, size, sha256, events: events() })
  }

  const counts = newKindCounts()
  const rendering = { db, planned, options, format: formatOf(settings), counts, add }
  const { comparesPages } = settings
  const { chain, pages } =
    adapter.profile === 'record-1'
      ? await renderTexts({ ...rendering, adapter })
      : await renderConversations({ ...rendering, adapter, engine, stylesheet, comparesPages, beforeUpload })
  assertSame(planned, { folded: totalOf(counts), chained: chain.events() })
  beforeManifest(pages)

  // Addenda share their interval with the export that names its forks.
  const forks = planned.kind === 'interval' ? await forksOfInterval(db, planned.intervalNumber) : []
  const manifest = buildManifest({ ...subject, adapter, files, counts, pages, sources: chain.sources(), forks })
  await add(manifestFileOf(planned), 'manifest', encodeManifest(manifest), () => planned.events)
  return { files, pages }
}

/** What both ways of rendering are given. */
export type Rendering = {
  readonly db: Database
  readonly planned: Export
  readonly options: AdapterOptions
  /** of the manifest */
  readonly format: string
  /** events by kind, counted here */
  readonly counts: KindCounts
  add(name: string, role: ExportFileRecord['role'], content: Content, events: () => number): Promise<void>
}

export type Rendered = { readonly chain: ChainText; readonly pages: IncompletePage[] | undefined }

async function renderConversations({
  db,
  planned,
  options,
  format,
  counts,
  add,
  adapter,
  engine,
  stylesheet,
  comparesPages,
  beforeUpload,
}: Rendering & {
  adapter: Adapter
  engine: XsltEngine
  stylesheet: string
  comparesPages: boolean | undefined
  beforeUpload: (upload: EventOf<'file-upload'>) => Promise<void>
}): Promise<Rendered> {
  const { eventsPerFileMax } = options
  const slices = conversationsOf({ db, adapter, planned, eventsPerFileMax, counts, beforeUpload })
  const { kind, number, startsAt, endsAt } = planned
  const context = { stem: stemOf(planned), interval: { startsAt, endsAt }, kind, number, comparesPages }
  let pages: IncompletePage[] | undefined = comparesPages ? [] : undefined
  for await (const file of adapter.translate(slices, options, context, engine, stylesheet)) {
    await add(file.name, file.role, file.bytes, () => file.events)
    if (file.role !== 'document') continue
    // An adapter that does not compare must not look like one that found everything.
    if (!file.page) pages = undefined
    else if (!showsEverything(file.page)) pages?.push(incompletePage(file.name, file.page))
  }
  const chain = chainText(db, planned, format)
  await add(chainFileOf(planned), 'chain', chain.lines(), () => chain.numbers())
  return { chain, pages }
}

function incompletePage(file: string, { shown, leftOut, problems }: Page): IncompletePage {
  return { file, shown: { ...shown }, leftOut: [...leftOut], problems: [...problems] }
}

async function* conversationsOf(options: {
  db: Database
  adapter: Adapter
  planned: Export
  eventsPerFileMax: number
  counts: KindCounts
  beforeUpload: (upload: EventOf<'file-upload'>) => Promise<void>
}): AsyncGenerator<RoomSlice> {
  const { db, adapter, planned, eventsPerFileMax, counts, beforeUpload } = options
  const asOf = {
    interval: { startsAt: planned.startsAt, endsAt: planned.endsAt },
    intervalNumber: planned.intervalNumber,
  }
  // The strict profile has no rosters, and reading them costs a query per room.
  const withRosters = adapter.profile === 'extended-1'
  yield* foldConversations(counted(exportEvents(db, planned.id), counts, beforeUpload), {
    sliceEventsMax: eventsPerFileMax,
    rosterOf: withRosters ? (uri) => rostersOf(db, uri, asOf) : async () => ({ atStart: [], atEnd: [] }),
    // An addendum contains only what was not exported before.
    ...(withRosters && planned.kind === 'interval' ? { roomsWithRosterOnly: roomsWithRoster(db, asOf) } : {}),
  })
}

async function* counted(
  events: AsyncIterable<ComplianceEvent>,
  counts: KindCounts,
  beforeUpload: (upload: EventOf<'file-upload'>) => Promise<void>,
): AsyncGenerator<ComplianceEvent> {
  for await (const event of events) {
    if (event.kind === 'file-upload') await beforeUpload(event)
    counts[event.kind] += 1
    yield event
  }
}

/**
 * The set of events was bound once. The folded and the chained events must both equal that set, or the manifest would
 * be false.
 */
function assertSame(
  { adapter, number, events }: Export,
  { folded, chained }: { folded: number; chained: number },
): void {
  if (folded === events && chained === events) return
  throw new Error(
    `${adapter}/${number} was planned with ${events} events; ${folded} were found to fold and ${chained} in the chain.`,
  )
}
