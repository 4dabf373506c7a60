import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DATA_EXPORT_PATH, DATA_IMPORT_PATH, ImportLine } from '@hansard/admin-contract'
import { yieldToEventLoop } from '@hansard/lifecycle'
import { openDataFile } from '@hansard/pool-data'
import { listAudit } from '@hansard/staging'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type AdminInTest, openAdminInTest } from './admin-in-test.ts'

describe('data over HTTP', () => {
  let one: AdminInTest
  let two: AdminInTest
  let directory: string
  let token: string
  let zip: Buffer
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'hansard-data-'))
    one = await openAdminInTest()
    two = await openAdminInTest()
    token = await one.signIn()
    await one.poolDb
      .knex('category')
      .insert({ uri: `ma-cat://example.com/${crypto.randomUUID()}`, name: 'Desks', created_at: 5 })
    const { id } = await one.poolDb.knex('category').where({ name: 'Desks' }).first('id')
    const uri = `ma-chan://example.com/${crypto.randomUUID()}`
    await one.poolDb.knex('room').insert({ uri, name: 'desk', category_id: id, privacy: 'open', created_at: 5 })
    const operator = await one.poolDb.knex('principal').where({ account: 'operator' }).first('id')
    const filter = '{"words":["gilt"],"authors":[],"ego":false}'
    await one.poolDb.knex('feed').insert({ principal_id: operator.id, name: 'gilts', filter })
  })
  afterAll(async () => {
    await one?.close()
    await two?.close()
    await rm(directory, { recursive: true, force: true })
  })
  const ask = async (pool: AdminInTest, url: string, by: string, method: 'GET' | 'POST' = 'GET', payload?: Buffer) => {
    const headers = { authorization: `Bearer ${by}`, ...(payload ? { 'content-type': 'application/zip' } : {}) }
    return pool.app.inject({ method, url, headers, ...(payload ? { payload } : {}) })
  }
  const linesOf = (text: string) =>
    text
      .trim()
      .split('\n')
      .map((line) => ImportLine.parse(JSON.parse(line)))
  const trail = async (pool: AdminInTest) =>
    (await listAudit(pool.complianceDb, { limit: 100 }))
      .filter(({ action }) => action !== 'approval-set')
      .map(({ actor, action }) => `${actor} ${action}`)

  it('is exported for administrators only, and every export is on record', async () => {
    const auditor = await one.addUser('wendy', { roles: ['auditor', 'operator', 'officer'] })
    for (const [method, path] of [
      ['GET', DATA_EXPORT_PATH],
      ['POST', DATA_IMPORT_PATH],
    ] as const) {
      expect((await ask(one, path, auditor, method)).statusCode).toBe(403)
      expect((await ask(one, path, 'nobody', method)).statusCode).toBe(401)
    }
    expect(await trail(one)).toEqual([])

    const response = await ask(one, DATA_EXPORT_PATH, token)
    expect(response.statusCode).toBe(200)
    zip = response.rawPayload
    const path = join(directory, 'one.zip')
    await writeFile(path, zip)
    const file = await openDataFile(path)
    await file.check()
    expect(file.about).toMatchObject({ pool: 'test', exportedBy: 'operator' })
    file.close()
    expect(await trail(one)).toEqual(['operator export-data'])
  })

  it('is imported: first as a dry run, then for real, and the services are notified', async () => {
    const by = await two.signIn()
    const tried = linesOf((await ask(two, `${DATA_IMPORT_PATH}?dryRun=true`, by, 'POST', zip)).payload).at(-1)
    expect(tried).toMatchObject({ report: { what: 'dry-run', counts: { rooms: { made: 1 } }, problems: [] } })
    expect(await two.poolDb.knex('room').where({ name: 'desk' })).toEqual([])

    const done = linesOf((await ask(two, DATA_IMPORT_PATH, by, 'POST', zip)).payload).at(-1)
    expect(done).toMatchObject({ report: { what: 'import', counts: { rooms: { made: 1 } } } })
    const { id } = await two.poolDb.knex('room').where({ name: 'desk' }).first('id')
    expect(two.heard).toContainEqual(expect.objectContaining({ t: 'room-changed', room: id }))
    const operator = await two.poolDb.knex('principal').where({ account: 'operator' }).first('id')
    expect(two.heard).toContainEqual({ t: 'feeds-changed', principals: [operator.id] })
    expect(await trail(two)).toEqual(['operator import-data', 'operator try-import-data'])
  })

  it('is refused with a reason when it is no data file, or when the query makes no sense', async () => {
    const by = await two.signIn()
    const nonsense = await ask(two, DATA_IMPORT_PATH, by, 'POST', Buffer.from('hello'))
    expect(nonsense.json()).toMatchObject({ error: 'malformed', message: expect.stringMatching(/no zip file/) })
    const nothing = await ask(two, DATA_IMPORT_PATH, by, 'POST')
    expect(nothing.json()).toMatchObject({ error: 'malformed', message: expect.stringMatching(/zip of an export/) })
    for (const query of [
      'scope=Nowhere',
      'start=2026-01-01T00:00:00Z',
      'level=everything',
      'files=true',
      'disableRooms=true',
    ]) {
      const { statusCode, payload } = await ask(one, `${DATA_EXPORT_PATH}?${query}`, token)
      expect([400, 409], payload).toContain(statusCode)
    }
  })

  it('stops importing when the caller disconnects, and continues when the import is repeated', async () => {
    const { knex } = one.poolDb
    const { id: category } = await knex('category').where({ name: 'Desks' }).first('id')
    const author = await knex('principal').where({ account: 'operator' }).first('id')
    for (let n = 0; n < 40; n += 1) {
      const uri = `ma-chan://example.com/${crypto.randomUUID()}`
      const row = { uri, name: `many ${n}`, category_id: category, privacy: 'open', created_at: 5, last_chat_id: 500 }
      const [room]: { id: number }[] = await knex('room').insert(row).returning('id')
      const chats = Array.from({ length: 500 }, (_, at) => {
        const said = { chat_id: at + 1, posted_at: 6, post: `p${at}`, content: '"text"' }
        return { ...said, room_id: room!.id, principal_id: author.id }
      })
      for (let from = 0; from < chats.length; from += 250) await knex('chat').insert(chats.slice(from, from + 250))
    }
    const many = (await ask(one, DATA_EXPORT_PATH, token)).rawPayload
    const by = await two.signIn()
    const server = await two.app.listen({ port: 0, host: '127.0.0.1' })
    const headers = { authorization: `Bearer ${by}`, 'content-type': 'application/zip' }

    const sent = request(`${server}${DATA_IMPORT_PATH}`, { method: 'POST', headers })
    sent.on('error', () => {})
    sent.end(many)
    await once(sent, 'response')
    const progress = () => two.poolDb.knex('import_progress')
    while ((await progress()).length === 0) await yieldToEventLoop()
    sent.destroy()
    const free = async () =>
      (await two.poolDb.knex('lease').where({ name: 'import-data' }).first('expires_at')).expires_at === 0
    while (!(await free())) await yieldToEventLoop()
    expect(await progress()).not.toEqual([])

    const done = linesOf((await ask(two, DATA_IMPORT_PATH, by, 'POST', many)).payload).at(-1)
    expect(done).toMatchObject({ report: { counts: { chats: { made: 20_000 } }, problems: [] } })
    expect(await progress()).toEqual([])
  })

  it('disables the exported rooms on request, with POST', async () => {
    const response = await ask(one, `${DATA_EXPORT_PATH}?disableRooms=true&scope=Desks`, token, 'POST')
    expect(response.statusCode).toBe(200)
    expect(Boolean((await one.poolDb.knex('room').where({ name: 'desk' }).first('disabled')).disabled)).toBe(true)
    expect((await one.changes()).at(-1)).toMatchObject({ by: 'sip:operator@example.com', after: { disabled: true } })
  })
})
