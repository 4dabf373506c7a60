import { hash } from 'node:crypto'
import { EVENT_KINDS, type EventKind } from '@hansard/compliance-event'
import { z } from 'zod'
import { Fork, orderFork } from './forks.ts'
import { orderPages, Pages } from './pages.ts'
import { sourceName } from './source-members.ts'

/**
 * The manifest of an export: what it covers, which files contain it, and the chain head of every source.
 *
 * It is evidence. It contains nothing that an auditor could not check, and nothing that would differ if the export
 * were rendered again: no current time, no host name, no path. docs/manifest.md describes it for people who have
 * never seen this program. That page and this schema must agree; docs/verify.py is written from the page alone.
 */
export const MANIFEST_FORMAT = 'hansard-manifest/3'

/** Has neither incarnations of sources nor forks, and no kinds of sign-ins. */
const SECOND_MANIFEST_FORMAT = 'hansard-manifest/2'

/** Manifests of earlier formats stay readable for ever. The first has neither changes nor attachments files. */
export const FIRST_MANIFEST_FORMAT = 'hansard-manifest/1'
/** Kinds of events that a format does not count: they were not recorded when it was written. */
const UNKNOWN_TO_SECOND = [
  'sign-in',
  'sign-in-refused',
  'assignment',
  'sign-out',
  'session-expired',
] as const satisfies readonly EventKind[]
const UNKNOWN_TO_FIRST = ['change', ...UNKNOWN_TO_SECOND] as const satisfies readonly EventKind[]
const unknownTo = (format: unknown): readonly EventKind[] => {
  if (format === FIRST_MANIFEST_FORMAT) return UNKNOWN_TO_FIRST
  return format === SECOND_MANIFEST_FORMAT ? UNKNOWN_TO_SECOND : []
}
const kindsOf = (format: Manifest['format']): EventKind[] =>
  EVENT_KINDS.filter((kind) => !unknownTo(format).includes(kind))

const count = z.int().nonnegative()
const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'not a SHA-256 in lowercase hexadecimal')
const time = z.iso.datetime({ precision: 3 })

/** A name in the manifest's directory: never a path, so that a manifest cannot point outside. */
const fileName = z
  .string()
  .min(1)
  .max(255)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a control character in a name is what is refused here.
  .regex(/^[^./\\\x00-\x1f][^/\\\x00-\x1f]*$/, 'not a plain file name')

const ManifestFile = z.strictObject({
  name: fileName,
  role: z.enum(['document', 'attachments', 'chain']),
  size: count,
  sha256,
  /** events that appear in it; for an attachments file its transfers, for a chain file its lines */
  events: count,
})
export type ManifestFile = z.infer<typeof ManifestFile>

/**
 * A source's part of an interval: all its numbers from `first` to `last`. If it has none, `first` is 0, `last` is the
 * last number assigned by then, and the two heads are equal.
 */
const IntervalSource = z.strictObject({
  ...sourceName,
  state: z.enum(['alive', 'stopped', 'fenced', 'dead']),
  first: count,
  last: count,
  /** numbers whose events are in the documents: all but the quarantined ones */
  count,
  headBefore: sha256,
  head: sha256,
  quarantined: z.array(count.min(1)),
})
export type IntervalSource = z.infer<typeof IntervalSource>

/** A source's part of an addendum: ranges of numbers, both ends included. */
const AddendumSource = z.strictObject({
  ...sourceName,
  seqs: z.array(z.tuple([count.min(1), count.min(1)])).min(1),
  count,
  quarantined: z.array(count.min(1)),
})
export type AddendumSource = z.infer<typeof AddendumSource>

const counts = z.strictObject({
  ...(Object.fromEntries(EVENT_KINDS.map((kind) => [kind, count])) as Record<EventKind, typeof count>),
  total: count,
})
type ManifestCounts = z.infer<typeof counts>

const common = {
  format: z.enum([MANIFEST_FORMAT, SECOND_MANIFEST_FORMAT, FIRST_MANIFEST_FORMAT]),
  pool: z.string().min(1),
  adapter: z.strictObject({
    /** of the numbered series: the adapter's name in this pool, and its directory */
    name: z.string().min(1),
    type: z.string().min(1),
    profile: z.string().min(1),
    version: z.string().min(1),
    engine: z.string().min(1),
    stylesheetSha256: sha256,
  }),
  options: z.record(z.string(), z.union([z.boolean(), z.number(), z.string(), z.null()])),
  /** one person may change what is exported, or has; absent: it takes two. From the third format on */
  approval: z.literal('one-person').optional(),
  number: count.min(1),
  interval: z.strictObject({ start: time, end: time, startMs: count, endMs: count }),
  files: z.array(ManifestFile),
  counts,
  /** of `counts`, those that this adapter omits from its documents by design */
  omitted: z.partialRecord(z.enum(EVENT_KINDS), count.min(1)),
  /** documents that do not show everything they count; absent when pages were not compared */
  pages: Pages.optional(),
  /** from the third format on */
  forks: z.array(Fork).optional(),
  previousManifestSha256: sha256.nullable(),
}

export const Manifest = z.discriminatedUnion('kind', [
  z.strictObject({ ...common, kind: z.literal('interval'), sources: z.array(IntervalSource) }),
  z.strictObject({ ...common, kind: z.literal('addendum'), sources: z.array(AddendumSource) }),
])
export type Manifest = z.infer<typeof Manifest>

/**
 * The bytes of a manifest: JSON, members in the order below, indented by two spaces, a line break at the end. The
 * same manifest gives the same bytes, whatever order its members were set in.
 *
 * The last member is the SHA-256 of all lines before it. A forger can compute it too; it lets the newest manifest,
 * which no other manifest vouches for yet, reveal damage.
 */
export function encodeManifest(manifest: Manifest): string {
  const { adapter, interval } = manifest
  const kinds = kindsOf(manifest.format)
  const ordered = {
    format: manifest.format,
    pool: manifest.pool,
    adapter: {
      name: adapter.name,
      type: adapter.type,
      profile: adapter.profile,
      version: adapter.version,
      engine: adapter.engine,
      stylesheetSha256: adapter.stylesheetSha256,
    },
    options: Object.fromEntries(Object.entries(manifest.options).sort(([a], [b]) => (a < b ? -1 : 1))),
    ...(manifest.approval === undefined ? {} : { approval: manifest.approval }),
    number: manifest.number,
    kind: manifest.kind,
    interval: { start: interval.start, end: interval.end, startMs: interval.startMs, endMs: interval.endMs },
    files: manifest.files.map(({ name, role, size, sha256, events }) => ({ name, role, size, sha256, events })),
    counts: Object.fromEntries([...kinds, 'total' as const].map((kind) => [kind, manifest.counts[kind]])),
    omitted: Object.fromEntries(
      kinds.filter((kind) => manifest.omitted[kind]).map((kind) => [kind, manifest.omitted[kind]]),
    ),
    ...(manifest.pages === undefined ? {} : { pages: orderPages(manifest.pages) }),
    sources: (manifest.kind === 'interval'
      ? manifest.sources.map(orderInterval)
      : manifest.sources.map(orderAddendum)
    ).map((part) => (hasIncarnations(manifest.format) ? part : withoutIncarnation(part))),
    ...(hasIncarnations(manifest.format) ? { forks: (manifest.forks ?? []).map(orderFork) } : {}),
    previousManifestSha256: manifest.previousManifestSha256,
  }
  Manifest.parse(allKinds(ordered))
  const content = `${JSON.stringify(ordered, null, 2).slice(0, -'\n}'.length)},\n`
  return `${content}  "contentSha256": "${hash('sha256', content, 'hex')}"\n}\n`
}

function orderInterval(part: IntervalSource): IntervalSource {
  const { source, epoch, incarnation = '', state, first, last, count, headBefore, head, quarantined } = part
  return { source, epoch, incarnation, state, first, last, count, headBefore, head, quarantined }
}

function orderAddendum({ source, epoch, incarnation = '', seqs, count, quarantined }: AddendumSource): AddendumSource {
  return { source, epoch, incarnation, seqs, count, quarantined }
}

/** Whether sources, and the lines of chain files, carry an incarnation in this format. */
export function hasIncarnations(format: string): boolean {
  return format !== SECOND_MANIFEST_FORMAT && format !== FIRST_MANIFEST_FORMAT
}

function withoutIncarnation<P extends { incarnation?: unknown }>({ incarnation: _, ...part }: P) {
  return part
}

/** `[start, end)` as a manifest writes it. */
export function manifestInterval({ startsAt, endsAt }: { startsAt: number; endsAt: number }): Manifest['interval'] {
  const iso = (at: number) => new Date(at).toISOString()
  return { start: iso(startsAt), end: iso(endsAt), startMs: startsAt, endMs: endsAt }
}

/** Ascending numbers as ranges: 1, 2, 3, 7 gives [1, 3], [7, 7]. */
export function rangesOf(seqs: Iterable<number>): [number, number][] {
  const ranges: [number, number][] = []
  for (const seq of seqs) {
    const last = ranges.at(-1)
    if (last && last[1] + 1 === seq) last[1] = seq
    else ranges.push([seq, seq])
  }
  return ranges
}

export function emptyCounts(): ManifestCounts {
  return Object.fromEntries([...EVENT_KINDS, 'total'].map((kind) => [kind, 0])) as ManifestCounts
}

type ParsedManifest =
  | { readonly outcome: 'parsed'; readonly manifest: Manifest }
  /** `altered`: not the bytes that were sealed. `unknown`: intact, but of a format this version does not know. */
  | { readonly outcome: 'altered' | 'unknown'; readonly reason: string }

const TAIL = /^ {2}"contentSha256": "([0-9a-f]{64})"\n\}\n$/

export function parseManifest(text: string): ParsedManifest {
  const altered = (reason: string): ParsedManifest => ({ outcome: 'altered', reason })
  const cut = text.lastIndexOf('\n', text.lastIndexOf('\n', text.length - 2) - 1) + 1
  const tail = TAIL.exec(text.slice(cut))
  if (!tail) return altered('it does not end with the hash of its own lines')
  if (hash('sha256', text.slice(0, cut), 'hex') !== tail[1]) return altered('its lines do not have the hash at its end')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    return altered(`it is not JSON: ${(error as Error).message}`)
  }
  const { contentSha256: _, ...members } = value as Record<string, unknown>
  const format = members['format']
  if (format !== MANIFEST_FORMAT && format !== SECOND_MANIFEST_FORMAT && format !== FIRST_MANIFEST_FORMAT)
    return { outcome: 'unknown', reason: `its format is ${JSON.stringify(format)}` }
  const result = Manifest.safeParse(allKinds(members))
  if (!result.success) {
    const issue = result.error.issues[0]
    return altered(`${issue?.path.join('.') || 'it'}: ${issue?.message ?? 'not valid'}`)
  }
  if (format === FIRST_MANIFEST_FORMAT && result.data.files.some((file) => file.role === 'attachments'))
    return altered('files: the first format has no attachments files')
  if (format === FIRST_MANIFEST_FORMAT && result.data.pages !== undefined)
    return altered('pages: the first format has none')
  if (format !== MANIFEST_FORMAT && result.data.approval !== undefined)
    return altered('approval: earlier formats have none')
  if (encodeManifest(result.data) !== text) return altered('it is not written the way manifests are written')
  return { outcome: 'parsed', manifest: result.data }
}

/**
 * A manifest of an earlier format, read as if it had counted zero of the kinds it does not know. The bytes are not
 * rewritten.
 */
function allKinds<M extends { format?: unknown; counts?: unknown }>(members: M): M {
  const unknown = unknownTo(members.format)
  if (unknown.length === 0 || typeof members.counts !== 'object') return members
  return { ...members, counts: { ...Object.fromEntries(unknown.map((kind) => [kind, 0])), ...members.counts } }
}
