import { z } from 'zod'

/**
 * The format of a data file; see docs/data-format.md. An import reads the first one too, whose files lack `givenName`.
 * Any other format is refused.
 */
export const DATA_FORMAT = 'hansard-data/2'
export const FIRST_DATA_FORMAT = 'hansard-data/1'
const Format = z.enum([DATA_FORMAT, FIRST_DATA_FORMAT])

/** The kinds of lines in import order: a line refers only to earlier kinds. */
export const DATA_KINDS = [
  'policies',
  'principals',
  'group-members',
  'add-ins',
  'endpoints',
  'configuration',
  'categories',
  'category-scopes',
  'rooms',
  'room-roles',
  'follows',
  'read-marks',
  'feeds',
  'preferences',
  'invitations',
  'files',
] as const
export type DataKind = (typeof DATA_KINDS)[number]

/** The original's levels. */
export const EXPORT_LEVELS = ['all', 'user', 'category', 'room-directory', 'content'] as const
export type ExportLevel = (typeof EXPORT_LEVELS)[number]

/**
 * What an export of a level contains. `references`: kinds included only because other lines refer to them. An import
 * creates the missing ones and leaves existing ones alone.
 */
export type Contents = {
  readonly kinds: readonly DataKind[]
  readonly references: readonly DataKind[]
  readonly chats: boolean
}

export function contentsOf(level: ExportLevel, scoped: boolean): Contents {
  const people = ['principals', 'group-members'] as const
  const personal = ['follows', 'read-marks', 'feeds', 'preferences', 'invitations'] as const
  const categories = ['categories', 'category-scopes'] as const
  const rooms = ['rooms', 'room-roles'] as const
  switch (level) {
    case 'user':
      return { kinds: ['policies', ...people, ...personal], references: [], chats: false }
    case 'category':
      return { kinds: [...people, ...categories], references: people, chats: false }
    case 'room-directory': {
      const references = [...people, 'add-ins' as const, ...categories]
      return { kinds: [...references, ...rooms], references, chats: false }
    }
    case 'content': {
      const references = [...people, 'add-ins' as const, ...categories, ...rooms]
      return { kinds: [...references, 'files'], references, chats: true }
    }
    case 'all': {
      if (!scoped) return { kinds: DATA_KINDS, references: [], chats: true }
      const references = [...people, 'add-ins' as const]
      return { kinds: [...references, ...categories, ...rooms, 'files'], references, chats: true }
    }
  }
}

/** Limits of a data file. A file beyond them is refused before anything is changed. */
export const DATA_LIMITS = {
  /** entries of the zip */
  entries: 200_000,
  /** bytes of one line */
  lineBytes: 8 * 1_024 ** 2,
  /** bytes of manifest.json, which is held in memory */
  manifestBytes: 64 * 1_024 ** 2,
  /** bytes of all entries, unpacked (nothing is ever unpacked to the disk) */
  totalBytes: 1_024 ** 4,
  /** entries of one list: a scope, a room's roles, a group's members. Held in memory */
  listEntries: 200_000,
} as const

const count = z.number().int().nonnegative()
const sha256 = z.string().regex(/^[0-9a-f]{64}$/)

export const DataManifest = z.strictObject({
  format: Format,
  level: z.enum(EXPORT_LEVELS),
  /** names of categories, or null: the whole pool */
  scope: z.array(z.string()).nullable(),
  /** of a room directory: only rooms created since then or with chats since then; milliseconds since 1970 UTC */
  start: count.nullable(),
  references: z.array(z.enum(DATA_KINDS)),
  entries: z.array(z.strictObject({ name: z.string(), bytes: count, lines: count.nullable(), sha256 })),
})
export type DataManifest = z.infer<typeof DataManifest>

/**
 * Origin and time of the export, and the hashes that seal the rest. Only this part and the reports differ between
 * equal pools.
 */
export const About = z.strictObject({
  format: Format,
  pool: z.string(),
  domain: z.string(),
  exportedAt: z.string(),
  exportedBy: z.string(),
  sha256: z.strictObject({ 'manifest.json': sha256, 'report.json': sha256, 'report.html': sha256 }),
})
export type About = z.infer<typeof About>

export const entryOf = (kind: DataKind): string => `data/${kind}.jsonl`
export const chatsEntryOf = (guid: string): string => `chats/${guid}.jsonl`
export const fileEntryOf = (storedName: string): string => `files/${storedName}`

const GUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}'
const CHATS_ENTRY = new RegExp(`^chats/(${GUID})\\.jsonl$`)
const FILE_ENTRY = new RegExp(`^files/(${GUID}(?:\\.[a-z0-9]{1,16})?)$`)

/** The kind of an entry by its name; undefined when no entry may have that name. */
export function meaningOf(
  name: string,
):
  | { readonly type: 'kind'; readonly kind: DataKind }
  | { readonly type: 'chats'; readonly guid: string }
  | { readonly type: 'file'; readonly storedName: string }
  | { readonly type: 'about' }
  | undefined {
  if (['manifest.json', 'about.json', 'report.json', 'report.html'].includes(name)) return { type: 'about' }
  const kind = DATA_KINDS.find((each) => entryOf(each) === name)
  if (kind) return { type: 'kind', kind }
  const guid = CHATS_ENTRY.exec(name)?.[1]
  if (guid) return { type: 'chats', guid }
  const storedName = FILE_ENTRY.exec(name)?.[1]
  return storedName ? { type: 'file', storedName } : undefined
}
