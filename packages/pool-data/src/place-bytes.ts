import { type FileStore, isFileId, PlacedOtherwise, safeFileName, storedNameOf } from '@hansard/file-store'
import { GIVEN_NAME_MAX } from '@hansard/pool-store'
import { keptPrincipalUri } from '@hansard/rooms'
import type { Knex } from '@hansard/sql'
import { fileEntryOf } from './data-format.ts'
import type { LineOf } from './data-lines.ts'
import { idsOf } from './import-rows.ts'
import type { ImportRun } from './import-run.ts'

type Line = LineOf<'files'>
export type FileRow = { readonly id: string; readonly sha256: string | null; readonly size: number } & {
  readonly state: string
  /** recorded by an import that lacked its bytes, which nobody has supplied since */
  readonly bytes_removed: boolean | number
}

/**
 * Where the bytes of a file are: `there`, in both stores, as its line says; `away`; or they cannot be stored, and the
 * file is skipped.
 */
export type Bytes = 'there' | 'away' | { readonly problem: string }

/**
 * Stores the bytes of files before the transaction that records them.
 *
 * The danger is a large file: copied within the transaction, it would block all other recording. So the bytes come
 * first, complete, checked and flushed, into both stores, never replacing others. What a crash leaves behind is found
 * when the import runs again. A file that is recorded without its bytes is marked before they are copied, so that the
 * copy is recorded even after a crash, and no sweep mistakes it for the remains of a dead upload.
 */
export async function placeBytes(
  run: ImportRun,
  knex: Knex | Knex.Transaction,
  lines: readonly Line[],
): Promise<Map<string, Bytes>> {
  const found = new Map<string, Bytes>()
  const rows = await fileRows(knex, lines)
  const placed = { run, knex }
  const rooms = await idsOf(
    placed,
    'room',
    lines.map((line) => line.room),
  )
  const people = await idsOf(
    placed,
    'principal',
    lines.map((line) => keptPrincipalUri(line.principal)),
  )
  for (const line of lines) {
    const row = rows.get(line.id)
    const belongs = row ? isSameFile(row, line) : rooms.has(line.room) && people.has(keptPrincipalUri(line.principal))
    // A file that will not be recorded needs no bytes.
    if (!belongs || fileProblem(line)) continue
    await run.goOn()
    found.set(line.id, await bytesOf(run, knex, line, row))
  }
  return found
}

export async function fileRows(
  knex: Knex | Knex.Transaction,
  lines: readonly Line[],
): Promise<ReadonlyMap<string, FileRow>> {
  const ids = lines.map((line) => line.id)
  const rows: FileRow[] = await knex('file').whereIn('id', ids).select('id', 'sha256', 'size', 'state', 'bytes_removed')
  return new Map(rows.map((row) => [row.id, row]))
}

export function isSameFile(row: FileRow, line: Line): boolean {
  return row.state === 'kept' && row.sha256 === line.sha256 && row.size === line.size
}

/** Why a file cannot be recorded; undefined when it can. */
export function fileProblem({ id, fileName, givenName, storedName, principal }: Line): string | undefined {
  if (!isFileId(id)) return 'Its id is no guid.'
  if (storedName !== storedNameOf(id, safeFileName(fileName))) return 'Its stored name is another file’s.'
  if (givenName !== null && givenName.length > GIVEN_NAME_MAX)
    return `The name it was given has more than ${GIVEN_NAME_MAX} characters.`
  return principal.startsWith('sip:') ? undefined : `${principal} is no user.`
}

async function bytesOf(
  run: ImportRun,
  knex: Knex | Knex.Transaction,
  line: Line,
  row: FileRow | undefined,
): Promise<Bytes> {
  const { file, fileStores, dry } = run
  if (!fileStores) return row && !row.bytes_removed ? 'there' : 'away'
  const entry = fileEntryOf(line.storedName)
  const carried = file.listed(entry)
  if (carried && (carried.sha256 !== line.sha256 || carried.bytes !== line.size))
    return { problem: 'Its bytes in the data file are not those that its line tells of.' }
  const missing: FileStore[] = []
  for (const [store, name] of [
    [fileStores.files, 'file store'],
    [fileStores.complianceFiles, 'compliance file store'],
  ] as const) {
    // The bytes of a recorded file were hashed when they were stored; hashing all of them each time would take hours.
    const existing = row && !row.bytes_removed ? await sizeOf(store, line) : await store.digest(line.storedName)
    if (!existing) missing.push(store)
    else if (existing.size !== line.size || (existing.sha256 ?? line.sha256) !== line.sha256)
      return { problem: `Other bytes stand under its name, ${line.storedName}, in the ${name}. They stay.` }
  }
  if (missing.length === 0) return 'there'
  if (!carried) return 'away'
  if (dry) return 'there'
  if (row && !row.bytes_removed) await knex('file').where({ id: line.id }).update({ bytes_removed: true })
  try {
    for (const store of missing) await store.place(line.storedName, watched(run, file.bytes(entry)!), line)
  } catch (error) {
    if (!(error instanceof PlacedOtherwise)) throw error
    return { problem: `Other bytes came to stand under its name, ${line.storedName}, meanwhile. They stay.` }
  }
  return 'there'
}

async function sizeOf(store: FileStore, line: Line): Promise<{ size: number; sha256?: string } | undefined> {
  const opened = await store.open(line.storedName)
  await opened?.close()
  return opened && { size: opened.size }
}

/** Copying one file may take longer than the import's lease. */
async function* watched(run: ImportRun, content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const piece of content) {
    await run.goOn()
    yield piece
  }
}
