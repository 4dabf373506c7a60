import { createHash } from 'node:crypto'
import { entryOf, fileEntryOf } from './data-format.ts'
import { compareKeys, LINE_KEYS, type LineOf } from './data-lines.ts'
import { idsOf, insertRows, tell } from './import-rows.ts'
import { type ImportRun, inBatches, type Step } from './import-run.ts'

type Line = LineOf<'files'>

/**
 * Files. Bytes that are in the data file are put in place, whole, checked and flushed, in the pool's file store and in the
 * compliance file store, before the database says that they are there; the others are to be copied by hand, and the report
 * counts them.
 */
export async function importFiles(run: ImportRun): Promise<void> {
  const kind = 'files'
  await inBatches(run, entryOf(kind), run.file.lines(kind), LINE_KEYS[kind], compareKeys, async (step, lines) => {
    const rooms = await idsOf(
      step,
      'room',
      lines.map((line) => line.room),
    )
    const people = await idsOf(
      step,
      'principal',
      lines.map((line) => line.principal),
    )
    const existing: Record<string, unknown>[] = await step.knex('file').whereIn(
      'id',
      lines.map((line) => line.id),
    )
    const rows = new Map(existing.map((row) => [row['id'] as string, row]))
    const added = new Map<number, Line[]>()
    for (const line of lines) {
      const row = rows.get(line.id)
      if (row) {
        const same = row['sha256'] === line.sha256 && row['state'] === 'kept'
        step.count(kind, same ? 'same' : 'left')
        if (!same) step.problem(line.id, `Another file, or one that is ${String(row['state'])}, has this id. It stays.`)
        continue
      }
      const roomId = rooms.get(line.room)
      const principalId = people.get(line.principal)
      if (roomId === undefined || principalId === undefined || !line.storedName.startsWith(line.id)) {
        step.problem(
          line.id,
          'Its room or the person who handed it over is not there, or its stored name is another file’s.',
        )
        step.count(kind, 'left')
        continue
      }
      await placeBytes(step, line)
      await insertRows(step, 'file', [
        {
          id: line.id,
          room_id: roomId,
          principal_id: principalId,
          file_name: JSON.stringify(line.fileName),
          stored_name: line.storedName,
          size: line.size,
          sha256: line.sha256,
          state: 'kept',
          created_at: line.createdAt,
          expires_at: line.endedAt,
          ended_at: line.endedAt,
        },
      ])
      step.count(kind, 'made')
      added.set(roomId, [...(added.get(roomId) ?? []), line])
    }
    for (const [roomId, files] of added) await tellFiles(step, roomId, files)
  })
}

async function placeBytes(step: Step, line: Line): Promise<void> {
  const { file, fileStores, dry } = step.run
  const entry = fileEntryOf(line.storedName)
  const there = fileStores !== undefined && file.bytes(entry) !== undefined
  step.count('bytes of files', there ? 'made' : 'left')
  if (!there || dry) return
  for (const store of [fileStores.files, fileStores.complianceFiles])
    await store.place(line.storedName, (await file.bytes(entry))!, { size: line.size, sha256: line.sha256 })
}

async function tellFiles(step: Step, roomId: number, files: readonly Line[]): Promise<void> {
  if (step.run.dry) return
  const room: { uri: string; name: string } | undefined = await step
    .knex('room')
    .where({ id: roomId })
    .first('uri', 'name')
  const hash = createHash('sha256')
  for (const { id, sha256 } of files) hash.update(`${id} ${sha256}\n`)
  const after = { importedFiles: files.length, importedSha256: hash.digest('hex') }
  tell(step, 'changed', { type: 'room', ...room! }, { before: {}, after }, roomId)
}
