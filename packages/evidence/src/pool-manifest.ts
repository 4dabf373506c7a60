import { z } from 'zod'
import { manifestInterval } from './manifest.ts'

/**
 * The pool manifest of an interval: which series exist, and how far each has come. A series that disappears as a whole,
 * or that loses its end or its beginning, leaves its name here.
 */
export const POOL_MANIFEST_FORMAT = 'hansard-pool-manifest/1'

const count = z.int().min(0)
const digest = z.string().regex(/^[0-9a-f]{64}$/)
const text = z
  .string()
  .min(1)
  .refine((value) => value.isWellFormed())

const PoolSeriesEntry = z.strictObject({
  adapter: text,
  /** where its newest export is: a path below the output directory, or an absolute one elsewhere; null if none */
  directory: text.nullable(),
  state: z.enum(['active', 'ended']),
  /** every export that was due by the end of the interval is sealed */
  complete: z.boolean(),
  /** of the newest sealed export; 0 and null if there is none */
  number: count,
  manifest: text.nullable(),
  sha256: digest.nullable(),
})
export type PoolSeriesEntry = z.infer<typeof PoolSeriesEntry>

export const PoolManifest = z.strictObject({
  format: z.literal(POOL_MANIFEST_FORMAT),
  pool: text,
  number: count.min(1),
  interval: z.strictObject({ start: z.string(), end: z.string(), startMs: count, endMs: count }),
  series: z.array(PoolSeriesEntry),
  sources: z.array(
    z.strictObject({
      source: text,
      epoch: count.min(1),
      incarnation: z.string().regex(/^([0-9a-f]{32})?$/),
      state: text,
      last: count,
      head: digest,
    }),
  ),
  tree: z.strictObject({ size: count, root: z.string().regex(/^[A-Za-z0-9+/]{43}=$/) }),
  /** the audit trail: its newest record, and the head of its chain after that; absent before it was sealed */
  audit: z.strictObject({ number: count, head: digest }).optional(),
  key: text,
  previousPoolManifestSha256: digest.nullable(),
})
export type PoolManifest = z.infer<typeof PoolManifest>

/** The bytes: JSON, members in the order of the schema, indented by two spaces, a line break at the end. */
export function encodePoolManifest(manifest: PoolManifest): string {
  return `${JSON.stringify(PoolManifest.parse(manifest), null, 2)}\n`
}

/** The members, or why the text is no pool manifest. `unknown`: of a format that this version does not know. */
export function parsePoolManifest(
  text: string,
):
  | { readonly outcome: 'parsed'; readonly manifest: PoolManifest }
  | { readonly outcome: 'altered' }
  | { readonly outcome: 'unknown' } {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return { outcome: 'altered' }
  }
  const parsed = PoolManifest.safeParse(value)
  if (parsed.success)
    return encodePoolManifest(parsed.data) === text && hasSaneInterval(parsed.data)
      ? { outcome: 'parsed', manifest: parsed.data }
      : { outcome: 'altered' }
  const format = (value as { format?: unknown } | null)?.format
  const later = typeof format === 'string' && /^hansard-pool-manifest\/[0-9]+$/.test(format)
  return later && format !== POOL_MANIFEST_FORMAT ? { outcome: 'unknown' } : { outcome: 'altered' }
}

function hasSaneInterval({ interval }: PoolManifest): boolean {
  const { startMs: startsAt, endMs: endsAt } = interval
  try {
    const { start, end } = manifestInterval({ startsAt, endsAt })
    return start === interval.start && end === interval.end && startsAt < endsAt
  } catch {
    return false
  }
}

const NAME = /^(pool-\d{8}T\d{6}(?:\.\d{3})?Z_\d{8}T\d{6}(?:\.\d{3})?Z)\.json$/

/** The directory of the pool manifests, below the output directory. */
export const POOL_DIRECTORY = 'pool'

/** `pool-20261120T231500Z_20261120T233000Z` of a pool manifest's file name, or undefined for another name. */
export function stemOfPoolManifest(name: string): string | undefined {
  return NAME.exec(name)?.[1]
}

/** The text that is signed for a pool manifest. */
export function poolManifestStatement(name: string, sha256: string): string {
  return `${POOL_MANIFEST_FORMAT}\n${name}\n${sha256}\n`
}

/**
 * The data of one leaf of the pool's tree: a line of a chain file without its line break, as the third format writes
 * it, whatever the format of the export.
 */
export function treeLeaf(line: {
  readonly escapedSource: string
  readonly epoch: number
  readonly incarnation?: string | undefined
  readonly seq: number
  readonly leaf: string
  readonly quarantinedHead?: string | undefined
}): string {
  const { escapedSource, epoch, incarnation, seq, leaf, quarantinedHead } = line
  const quarantined = quarantinedHead === undefined ? '' : `\tquarantined\t${quarantinedHead}`
  return `${escapedSource}\t${epoch}\t${incarnation || '-'}\t${seq}\t${leaf}${quarantined}`
}

/** The origin of a pool's checkpoints, and the name of its keys. */
export function poolOrigin(pool: string): string {
  return `hansard/${encodeURIComponent(pool)}`
}
