import { createHash } from 'node:crypto'
import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FileStores } from '@hansard/file-store'
import { endedFiles } from '@hansard/pool-store'
import { newRoomUri } from '@hansard/rooms'
import { type SharedPostgres, sharePostgres } from '@hansard/test-servers'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Filled, fillPool } from './fill-pool-in-test.ts'
import type { DataFile } from './open-data-file.ts'
import { DOMAIN, NOW, openPoolInTest, type PoolInTest } from './pool-in-test.ts'
import { alterZip } from './zip-in-test.ts'

const BYTES = Buffer.from('the bytes of a file')
const OTHER = Buffer.from('other bytes')

describe.each(['sqlite', 'postgres'] as const)('the bytes of files imported into %s', (dialect) => {
  let server: SharedPostgres | undefined
  beforeAll(async () => {
    if (dialect === 'postgres') server = await sharePostgres()
  })
  afterAll(() => server?.stop())
  let directory: string
  let one: PoolInTest
  let two: PoolInTest
  let filled: Filled
  let stores: FileStores
  let bare: string
  let full: string
  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'hansard-bytes-'))
    one = await openPoolInTest('sqlite', 'one')
    two = await openPoolInTest(dialect, 'two', server)
    filled = await fillPool(one)
    stores = await two.fileStores()
    bare = join(directory, 'bare.zip')
    full = join(directory, 'full.zip')
    await one.exportTo(bare)
    await one.exportTo(full, { fileStore: (await one.fileStores()).files })
  })
  afterEach(async () => {
    await one.close()
    await two.close()
    await rm(directory, { recursive: true, force: true })
  })
  const fileId = () => filled.file.slice(0, 36)
  const digests = () => Promise.all([stores.files.digest(filled.file), stores.complianceFiles.digest(filled.file)])
  const told = async () =>
    (await two.events()).flatMap((event) => {
      if (event.kind !== 'change') return []
      const { importedFiles, filesWithoutBytes } = event.after
      return importedFiles === undefined && filesWithoutBytes === undefined
        ? []
        : [{ importedFiles, filesWithoutBytes }]
    })

  it('do not block posts while they are copied', async () => {
    const [general] = await two.db.knex('category').select('id')
    const row = { uri: newRoomUri(DOMAIN), name: 'talk', category_id: general.id, privacy: 'open', created_at: NOW }
    await two.db.knex('room').insert(row)
    let begin = () => {}
    const begun = new Promise<void>((resolve) => {
      begin = resolve
    })
    let release = () => {}
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    async function* held(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
      for await (const piece of content) {
        yield piece
        begin()
        await released
      }
    }
    const through = (file: DataFile): DataFile => ({
      ...file,
      bytes(entry) {
        const content = file.bytes(entry)
        return content && held(content)
      },
    })

    const importing = two.importFrom(full, { fileStores: stores, through })
    await begun
    const room = await two.db.knex('room').where({ uri: row.uri }).first('id', 'rights')
    const chat = { kind: 'chat' as const, post: 'p', text: 'meanwhile', again: false }
    const outcome = await two.writer.record({
      ...chat,
      roomId: room.id,
      principal: two.admin,
      rights: room.rights,
    })
    release()

    expect(outcome).toMatchObject({ kind: 'chat', chatId: 1 })
    expect((await importing).counts['bytes of files']).toEqual({ made: 1 })
    const kinds = (await two.events()).map((event) => (event.kind === 'change' ? Object.keys(event.after) : event.kind))
    expect(kinds.indexOf('chat')).toBeLessThan(kinds.findIndex((kind) => kind.includes('importedFiles')))
  })

  it('are added by a later import when an earlier one lacked them, and recorded only then', async () => {
    const first = await two.importFrom(bare, { fileStores: stores })
    expect(first.counts).toMatchObject({ files: { made: 1 }, 'bytes of files': { left: 1 } })
    expect(await told()).toEqual([{ importedFiles: undefined, filesWithoutBytes: 1 }])
    // A sweep would mistake these pieces for leftovers of a dead upload.
    expect(await endedFiles(two.db.knex, [fileId()], NOW + 1)).toEqual([])

    const tried = await two.importFrom(full, { fileStores: stores, dryRun: true })
    expect(await digests()).toEqual([undefined, undefined])
    const second = await two.importFrom(full, { fileStores: stores })
    expect(tried).toEqual({ ...second, what: 'dry-run' })
    expect(second.problems).toEqual([])
    expect(second.counts).toMatchObject({ files: { same: 1 }, 'bytes of files': { made: 1 } })
    expect(await told()).toEqual([
      { importedFiles: undefined, filesWithoutBytes: 1 },
      { importedFiles: 1, filesWithoutBytes: undefined },
    ])
    expect(await digests()).toMatchObject([{ size: BYTES.length }, { size: BYTES.length }])
    expect(await endedFiles(two.db.knex, [fileId()], NOW + 1)).toEqual([fileId()])

    const third = await two.importFrom(bare, { fileStores: stores })
    expect(third.counts['bytes of files']).toEqual({ same: 1 })
    expect(await told()).toHaveLength(2)
  })

  it('are added again when they were removed', async () => {
    await two.importFrom(full, { fileStores: stores })
    await stores.complianceFiles.remove(filled.file)

    expect((await two.importFrom(bare, { fileStores: stores })).counts['bytes of files']).toEqual({ left: 1 })
    expect((await two.importFrom(full, { fileStores: stores })).counts['bytes of files']).toEqual({ made: 1 })
    expect(await digests()).toMatchObject([{ size: BYTES.length }, { size: BYTES.length }])
  })

  it('are found where they were copied manually', async () => {
    await two.importFrom(bare, { fileStores: stores })
    for (const store of Object.values(stores)) await store.place(filled.file, pieces(BYTES), digestOf(BYTES))

    expect((await two.importFrom(bare, { fileStores: stores })).counts['bytes of files']).toEqual({ made: 1 })
    expect(await told()).toHaveLength(2)
  })

  it.each(['files', 'complianceFiles'] as const)('never replace a stored file `%s`', async (store) => {
    await two.importFrom(bare, { fileStores: stores })
    await stores[store].place(filled.file, pieces(OTHER), digestOf(OTHER))
    for (const dryRun of [true, false]) {
      const report = await two.importFrom(full, { fileStores: stores, dryRun })
      expect(report.problems).toMatchObject([
        { entry: 'data/files.jsonl', line: 1, subject: fileId(), problem: expect.stringMatching(/Other bytes stand/) },
      ])
    }
    expect(await stores[store].digest(filled.file)).toEqual(digestOf(OTHER))
    expect(await told()).toHaveLength(1)

    await two.db.knex('file').delete()
    const report = await two.importFrom(full, { fileStores: stores })
    expect(report.counts['files']).toEqual({ left: 1 })
    expect(await two.db.knex('file')).toEqual([])
  })

  it('are omitted when they differ from their line', async () => {
    const altered = await alterZip(full, join(directory, 'x.zip'), (entries) => {
      const lines = entries.get('data/files.jsonl')!
      entries.set('data/files.jsonl', lines.replace(/"sha256":"[0-9a-f]{64}"/, `"sha256":"${'0'.repeat(64)}"`))
    })
    for (const dryRun of [true, false]) {
      const report = await two.importFrom(altered, { fileStores: stores, dryRun })
      expect(report.problems).toMatchObject([{ line: 1, problem: expect.stringMatching(/not those that its line/) }])
    }
    expect(await two.db.knex('file')).toEqual([])
    expect(await digests()).toEqual([undefined, undefined])
  })
})

async function* pieces(bytes: Buffer): AsyncGenerator<Uint8Array> {
  yield bytes
}

function digestOf(bytes: Buffer): { size: number; sha256: string } {
  return { size: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') }
}
