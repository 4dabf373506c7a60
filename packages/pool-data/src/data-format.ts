import { z } from 'zod'

/** The format of a data file: see docs/data-format.md. Another one is refused, older or newer. */
export const DATA_FORMAT = 'hansard-data/1'

/** Kinds of lines in the order in which they can be brought in: what a line names stands in a kind before it. */
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
 * What an export of a level holds. `references`: kinds that are there only because others name them; an import makes
 * what is missing of them and leaves what exists alone.
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

/** What is read of a data file at most. Beyond it the file is refused, before anything is changed. */
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

export const Manifest = z.strictObject({
  format: z.literal(DATA_FORMAT),
  level: z.enum(EXPORT_LEVELS),
  /** names of categories, or null: the whole pool */
  scope: z.array(z.string()).nullable(),
  /** of a room directory: rooms created or talked in since, milliseconds since 1970 UTC */
  start: count.nullable(),
  references: z.array(z.enum(DATA_KINDS)),
  entries: z.array(z.strictObject({ name: z.string(), bytes: count, lines: count.nullable(), sha256 })),
})
export type Manifest = z.infer<typeof Manifest>

/** Where and when, and what seals the rest. It is the only part that differs between equal pools, with the reports. */
export const About = z.strictObject({
  format: z.literal(DATA_FORMAT),
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

/** What an entry of this name holds, or undefined when none may be called so. */
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
