import { createHash } from 'node:crypto'
import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { DATA_EXPORT_PATH, DATA_IMPORT_PATH, ImportLine } from '@hansard/admin-contract'
import { Env } from '@hansard/config'
import { type FileStore, openFileStores } from '@hansard/file-store'
import { claimFileStores } from '@hansard/pool-store'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type AdminInTest, NOW, openAdminInTest } from './admin-in-test.ts'
import { adminProcessConfig } from './config.ts'

const BYTES = Buffer.from('what somebody handed over')
const SHA256 = createHash('sha256').update(BYTES).digest('hex')

describe.each(['sqlite', 'postgres'] as const)('files in pool data over HTTP, on %s', (dialect) => {
  let one: AdminInTest
  let two: AdminInTest
  let storedName: string
  beforeEach(async () => {
    one = await openAdminInTest(dialect, { withFiles: true })
    two = await openAdminInTest(dialect, { withFiles: true })
    storedName = await addFile(one)
  })
  afterEach(async () => {
    await one?.close()
    await two?.close()
  })

  it('are exported, and imported into the pool’s file store and the compliance file store', async () => {
    const zip = await exported(one)
    expect(await imported(two, zip)).toMatchObject({ report: { counts: { 'bytes of files': { made: 1 } } } })

    expect(await two.poolDb.knex('file').select('stored_name', 'state')).toEqual([
      { stored_name: storedName, state: 'kept' },
    ])
    for (const store of Object.values(two.fileStores!)) expect(await contentOf(store, storedName)).toEqual(BYTES)
  })

  it('are not on record when their bytes cannot be written to the compliance file store', async () => {
    const zip = await exported(one)
    const other = Buffer.from('other bytes')
    const digest = { size: other.length, sha256: createHash('sha256').update(other).digest('hex') }
    await two.fileStores!.complianceFiles.place(storedName, pieces(other), digest)

    const problem = { entry: 'data/files.jsonl', line: 1, problem: expect.stringContaining(storedName) }
    expect(await imported(two, zip)).toMatchObject({ report: { counts: { files: { left: 1 } }, problems: [problem] } })
    expect(await two.poolDb.knex('file')).toEqual([])
    expect(await contentOf(two.fileStores!.complianceFiles, storedName)).toEqual(other)
  })

  it('are read from, and written to, the stores of the pool only', async () => {
    const elsewhere = mkdtempSync(join(tmpdir(), 'hansard-stores-'))
    try {
      const others = { directory: join(elsewhere, 'a'), complianceDirectory: join(elsewhere, 'b') }
      const stores = await openFileStores(others)
      await expect(claimFileStores(one.poolDb, stores)).rejects.toThrow('is not the file store')
    } finally {
      await rm(elsewhere, { recursive: true })
    }
  })
})

it('refuses a configuration with only one of the two file stores', () => {
  const urls = { HANSARD_POOL_DATABASE_URL: 'x', HANSARD_COMPLIANCE_DATABASE_URL: 'x', HANSARD_REDIS_URL: 'x' }
  const told = (more: Record<string, string>) => {
    const env = new Env({ ...urls, ...more })
    const { fileStores } = adminProcessConfig(env)
    env.check()
    return fileStores
  }
  expect(() => told({ HANSARD_FILE_STORE: '/a' })).toThrow('HANSARD_COMPLIANCE_FILE_STORE is not set')
  expect(() => told({ HANSARD_COMPLIANCE_FILE_STORE: '/b' })).toThrow('HANSARD_FILE_STORE is not set')
  expect(told({})).toBeUndefined()
  const both = { HANSARD_FILE_STORE: '/a', HANSARD_COMPLIANCE_FILE_STORE: '/b' }
  expect(told(both)).toEqual({ directory: '/a', complianceDirectory: '/b' })
})

async function addFile({ poolDb, fileStores }: AdminInTest): Promise<string> {
  const { knex } = poolDb
  const category = { uri: `ma-cat://example.com/${crypto.randomUUID()}`, name: 'Desks', created_at: NOW }
  const [{ id: categoryId }] = await knex('category').insert(category).returning('id')
  const uri = `ma-chan://example.com/${crypto.randomUUID()}`
  const room = { uri, name: 'desk', category_id: categoryId, privacy: 'open', created_at: NOW }
  const [{ id: roomId }] = await knex('room').insert(room).returning('id')
  const { id: principalId } = await knex('principal').where({ account: 'operator' }).first('id')
  const id = crypto.randomUUID()
  const storedName = `${id}.txt`
  const digest = { size: BYTES.length, sha256: SHA256 }
  await fileStores!.files.place(storedName, pieces(BYTES), digest)
  await knex('file').insert({
    ...digest,
    ...{ id, room_id: roomId, principal_id: principalId, stored_name: storedName, state: 'kept' },
    ...{ file_name: '"a.txt"', created_at: NOW, expires_at: NOW, ended_at: NOW },
  })
  return storedName
}

async function* pieces(bytes: Buffer): AsyncGenerator<Uint8Array> {
  yield bytes
}

async function contentOf(store: FileStore, storedName: string): Promise<Buffer | undefined> {
  const opened = await store.open(storedName)
  try {
    return opened && (await buffer(opened.read(0, opened.size - 1)))
  } finally {
    await opened?.close()
  }
}

async function exported(pool: AdminInTest): Promise<Buffer> {
  const headers = { authorization: `Bearer ${await pool.signIn()}` }
  const response = await pool.app.inject({ method: 'GET', url: `${DATA_EXPORT_PATH}?files=true`, headers })
  expect(response.statusCode).toBe(200)
  return response.rawPayload
}

async function imported(pool: AdminInTest, payload: Buffer): Promise<ImportLine> {
  const headers = { authorization: `Bearer ${await pool.signIn()}`, 'content-type': 'application/zip' }
  const response = await pool.app.inject({ method: 'POST', url: DATA_IMPORT_PATH, headers, payload })
  return ImportLine.parse(JSON.parse(response.payload.trim().split('\n').at(-1)!))
}
