import { createHash } from 'node:crypto'
import { safeFileName } from '@hansard/file-store'
import { keptPrincipalUri } from '@hansard/rooms'
import { entryOf } from './data-format.ts'
import { compareKeys, LINE_KEYS, type LineOf } from './data-lines.ts'
import { idsOf, insertRows, tell, updateRow } from './import-rows.ts'
import { type ImportRun, inBatches, type Step } from './import-run.ts'
import { type Bytes, type FileRow, fileProblem, fileRows, isSameFile, placeBytes } from './place-bytes.ts'

type Line = LineOf<'files'>
/** What a batch recorded in one room. */
type Told = { readonly withBytes: Line[]; without: number }

/**
 * Imports files. Their bytes are in the pool's file store and in the compliance file store before the transaction
 * that records them; see `placeBytes`. A file whose bytes are missing is recorded as lacking them until a later
 * import has them; only then is its hash recorded.
 */
export async function importFiles(run: ImportRun): Promise<void> {
  const kind = 'files'
  let places: ReadonlyMap<string, Bytes> = new Map()
  const record = (step: Step, lines: readonly Line[]) => recordFiles(step, lines, places)
  await inBatches(run, entryOf(kind), run.file.lines(kind), LINE_KEYS[kind], compareKeys, record, async (lines) => {
    places = await placeBytes(run, run.reader ?? run.db.knex, lines)
  })
}

async function recordFiles(step: Step, lines: readonly Line[], places: ReadonlyMap<string, Bytes>): Promise<void> {
  const rooms = await idsOf(
    step,
    'room',
    lines.map((line) => line.room),
  )
  const people = await idsOf(
    step,
    'principal',
    lines.map((line) => keptPrincipalUri(line.principal)),
  )
  const rows = await fileRows(step.knex, lines)
  const told = new Map<number, Told>()
  for (const line of lines) {
    const row = rows.get(line.id)
    const roomId = rooms.get(line.room)
    const principalId = people.get(keptPrincipalUri(line.principal))
    const bytes = places.get(line.id)
    const problem = problemOf(line, { row, roomId, principalId, bytes })
    if (problem !== undefined || roomId === undefined || principalId === undefined) {
      step.problem(line.id, problem ?? '', line)
      step.count('files', 'left')
      continue
    }
    const there = bytes === 'there'
    const brought = there && (row === undefined || Boolean(row.bytes_removed))
    step.count('bytes of files', there ? (brought ? 'made' : 'same') : 'left')
    step.count('files', row ? 'same' : 'made')
    if (row) await updateRow(step, 'file', { id: line.id, bytes_removed: there }, { bytes_removed: !there })
    else
      await insertRows(step, 'file', [
        {
          id: line.id,
          room_id: roomId,
          principal_id: principalId,
          file_name: JSON.stringify(safeFileName(line.fileName)),
          given_name: line.givenName === null ? null : JSON.stringify(line.givenName),
          stored_name: line.storedName,
          size: line.size,
          sha256: line.sha256,
          state: 'kept',
          created_at: line.createdAt,
          expires_at: line.endedAt,
          ended_at: line.endedAt,
          bytes_removed: !there,
        },
      ])
    const ofRoom = told.get(roomId) ?? { withBytes: [], without: 0 }
    told.set(roomId, ofRoom)
    if (brought) ofRoom.withBytes.push(line)
    else if (!row) ofRoom.without += 1
  }
  for (const [roomId, files] of told) await tellFiles(step, roomId, files)
}

type Found = {
  readonly row: FileRow | undefined
  readonly roomId: number | undefined
  readonly principalId: number | undefined
  readonly bytes: Bytes | undefined
}

function problemOf(line: Line, { row, roomId, principalId, bytes }: Found): string | undefined {
  if (row && !isSameFile(row, line)) {
    const other = row.state === 'kept' ? 'Another file' : `One that is ${row.state}`
    return `${other} has this id. It stays.`
  }
  const wrong = fileProblem(line)
  if (wrong) return wrong
  if (roomId === undefined) return `Its room ${line.room} is not there.`
  if (principalId === undefined) return `${line.principal}, who handed it over, is not there.`
  if (bytes === undefined) return 'It was changed here meanwhile: import it again.'
  return typeof bytes === 'object' ? bytes.problem : undefined
}

async function tellFiles(step: Step, roomId: number, { withBytes, without }: Told): Promise<void> {
  if (step.run.dry || withBytes.length + without === 0) return
  const room: { uri: string; name: string } | undefined = await step
    .knex('room')
    .where({ id: roomId })
    .first('uri', 'name')
  const hash = createHash('sha256')
  for (const { id, sha256 } of withBytes) hash.update(`${id} ${sha256}\n`)
  const after = {
    ...(withBytes.length > 0 ? { importedFiles: withBytes.length, importedSha256: hash.digest('hex') } : {}),
    ...(without > 0 ? { filesWithoutBytes: without } : {}),
  }
  tell(step, 'changed', { type: 'room', ...room! }, { before: {}, after }, roomId)
}
