import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { yieldToEventLoop } from '@hansard/lifecycle'
import { newRoomUri } from '@hansard/rooms'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { addChats, type Filled, fillPool } from './fill-pool-in-test.ts'
import { disableRooms, ExportRefused, exportData, ImportBusy, ImportStopped, NotAdministrator } from './index.ts'
import { contentsOfZip, DOMAIN, NOW, openPoolInTest, type PoolInTest } from './pool-in-test.ts'
import { alterZip } from './zip-in-test.ts'

describe('an import into a pool with data', () => {
  let directory: string
  let one: PoolInTest
  let two: PoolInTest
  let filled: Filled
  let zip: string
  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'hansard-merge-'))
    zip = join(directory, 'one.zip')
    one = await openPoolInTest('sqlite', 'one')
    two = await openPoolInTest('sqlite', 'two')
    filled = await fillPool(one)
    await one.exportTo(zip)
  })
  afterEach(async () => {
    await one.close()
    await two.close()
    await rm(directory, { recursive: true, force: true })
  })
  const roomOf = (pool: PoolInTest, name: string) => pool.db.knex('room').where({ name }).first()

  it('never overwrites a chat, and reports which texts differ', async () => {
    await two.importFrom(zip)
    const { id } = await roomOf(two, 'desk')
    await two.db.knex('chat').where({ room_id: id, chat_id: 1 }).update({ content: '"another"' })
    await two.db.knex('chat').where({ room_id: id, chat_id: 2 }).update({ content: '""', state: 'purged' })

    const report = await two.importFrom(zip)

    expect(report.counts['chats']).toEqual({ same: filled.chats - 2, left: 2 })
    expect(report.problems.map(({ subject }) => subject)).toEqual(['chat 1', 'chat 2'])
    const [first, second] = await two.db.knex('chat').where({ room_id: id }).orderBy('chat_id').limit(2)
    expect(first.content).toBe('"another"')
    expect(second.state).toBe('purged')
  })

  it('overwrites users, walls and roles with those of the file, on record', async () => {
    await two.importFrom(zip)
    const { knex } = two.db
    await knex('principal').where({ account: 'alice' }).update({ display_name: 'Other', disabled: true })
    const mallory = await addUser(two, 'mallory')
    const { id: wall } = await knex('category').where({ name: 'Research wall' }).first('id')
    await knex('category_scope').insert({ category_id: wall, principal_id: mallory, list: 'allowed' })
    const { id: secret, rights } = await roomOf(two, 'secret')
    await knex('room_role').insert({ room_id: secret, principal_id: mallory, role: 'member' })

    const report = await two.importFrom(zip)

    expect(report.counts['principals']).toMatchObject({ changed: 1 })
    expect(report.counts['category-scopes']).toMatchObject({ removed: 1 })
    expect(report.counts['room-roles']).toMatchObject({ removed: 1 })
    expect(await knex('category_scope').where({ principal_id: mallory })).toEqual([])
    expect((await roomOf(two, 'secret')).rights).toBeGreaterThan(rights)
    const told = (await two.events()).flatMap((event) => (event.kind === 'change' ? [event] : []))
    const gone = `sip:mallory@${DOMAIN}`
    expect(told.map((event) => event.before)).toContainEqual({ allowed: [gone] })
    expect(told.map((event) => event.before)).toContainEqual({ members: [gone] })
    expect(told.map((event) => event.before)).toContainEqual({ displayName: 'Other', disabled: true })
  })

  it('never merges two rooms of one name, nor restores a deleted one', async () => {
    const uri = (await roomOf(one, 'closed')).uri as string
    const { id: category } = await two.db.knex('category').where({ name: 'General' }).first('id')
    const row = { category_id: category, privacy: 'open', created_at: NOW }
    await two.db.knex('room').insert([
      { ...row, uri: newRoomUri(DOMAIN), name: 'desk' },
      { ...row, uri, name: 'once closed', deleted_at: NOW },
    ])
    for (const dryRun of [true, false]) {
      const report = await two.importFrom(zip, { dryRun })
      const problems = report.problems.map(({ problem }) => problem).join('\n')
      expect(problems).toMatch(/Another room is called desk/)
      expect(problems).toMatch(/It has been deleted here/)
      expect(report.counts['rooms']).toEqual({ made: 2, left: 1 })
    }
    const desks = await two.db.knex('room').where({ name: 'desk' }).orderBy('created_at').select('uri', 'last_chat_id')
    expect(desks).toHaveLength(2)
    expect(desks.map((desk) => Number(desk.last_chat_id)).sort()).toEqual(
      [0, Number((await roomOf(one, 'desk')).last_chat_id)].sort(),
    )
  })

  it('removes no right of the importing user', async () => {
    const disarmed = await alterZip(zip, join(directory, 'x.zip'), (entries) => {
      const lines = entries.get('data/principals.jsonl')!.split('\n')
      const mine = lines.findIndex((line) => line.includes('sip:operator@'))
      lines[mine] = lines[mine]!.replace('"disabled":false', '"disabled":true').replace('["administrator"]', '[]')
      entries.set('data/principals.jsonl', lines.join('\n'))
    })
    const report = await two.importFrom(disarmed)

    expect(report.problems.map(({ problem }) => problem)).toEqual([
      'It is your own account: it is not disabled.',
      'It is your own account: it keeps administrator.',
    ])
    expect(await two.db.knex('pool_role').where({ principal_id: two.admin.id })).toHaveLength(1)
  })

  it('lets no group contain itself', async () => {
    await two.importFrom(zip)
    const group = async (name: string) =>
      (
        await two.db
          .knex('principal')
          .where({ uri: `ma-grp:${name}@${DOMAIN}` })
          .first('id')
      ).id as number
    const circle = await alterZip(zip, join(directory, 'x.zip'), (entries) => {
      const [outer, inner] = [`ma-grp:outer%20ring@${DOMAIN}`, `ma-grp:inner@${DOMAIN}`]
      const lines = entries.get('data/group-members.jsonl')!.split('\n').slice(0, -1)
      lines.push(JSON.stringify({ group: inner, member: outer }))
      const keyed = lines.map((line) => JSON.parse(line) as { group: string; member: string })
      keyed.sort((a, b) => (`${a.group} ${a.member}` < `${b.group} ${b.member}` ? -1 : 1))
      entries.set('data/group-members.jsonl', keyed.map((line) => `${JSON.stringify(line)}\n`).join(''))
    })
    const report = await two.importFrom(circle)

    expect(report.problems).toMatchObject([{ problem: expect.stringMatching(/would hold itself/) }])
    const rows = await two.db.knex('group_member').where({ group_id: await group('inner') })
    expect(rows).toHaveLength(1)
  })

  it('stops between two batches on request, and continues from there', async () => {
    const stop = new AbortController()
    const stopped = two.importFrom(zip, { stop: stop.signal, onProgress: () => stop.abort() })
    await expect(stopped).rejects.toThrow(ImportStopped)
    expect(await two.db.knex('import_progress')).toHaveLength(1)
    expect(await two.db.knex('room').whereNotNull('category_id')).toEqual([])

    const report = await two.importFrom(zip)
    expect(report.problems).toEqual([])
    expect(report.counts).toMatchObject({ policies: { made: 1 }, rooms: { made: 3 }, chats: { made: filled.chats } })
  })

  it('ends when the importing user loses the administrator role', async () => {
    const { knex } = two.db
    const going = two.importFrom(zip, {
      onProgress: () =>
        void knex('pool_role')
          .where({ principal_id: two.admin.id })
          .delete()
          .then(() => {}),
    })
    await expect(going).rejects.toThrow(NotAdministrator)
    expect(await knex('chat')).toEqual([])
  })

  it('runs one at a time', async () => {
    const both = await Promise.allSettled([two.importFrom(zip), two.importFrom(zip)])
    expect(both.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    const refused = both.find((each) => each.status === 'rejected')
    expect(refused?.reason).toBeInstanceOf(ImportBusy)
  })
})

describe('an export of a part', () => {
  let directory: string
  let one: PoolInTest
  let two: PoolInTest
  let zip: string
  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'hansard-level-'))
    zip = join(directory, 'one.zip')
    one = await openPoolInTest('sqlite', 'one')
    two = await openPoolInTest('sqlite', 'two')
    await fillPool(one)
  })
  afterEach(async () => {
    await one.close()
    await two.close()
    await rm(directory, { recursive: true, force: true })
  })
  const names = async (path: string, entry: string) => {
    const lines = (await contentsOfZip(path)).get(entry)?.split('\n').slice(0, -1) ?? []
    return lines.map((line) => {
      const { name, uri } = JSON.parse(line) as { name?: string; uri?: string }
      return name ?? uri
    })
  }

  it('contains the named categories and the principals in them, and no others', async () => {
    const report = await one.exportTo(zip, { scope: ['Research wall'] })

    expect(await names(zip, 'data/categories.jsonl')).toEqual(['Research wall'])
    expect(await names(zip, 'data/rooms.jsonl')).toEqual(['secret'])
    const people = (await names(zip, 'data/principals.jsonl')).join(' ')
    expect(people).toContain('ma-grp:inner')
    expect(people).toContain('sip:carol@partner.test')
    expect(people).not.toContain('operator')
    expect([...(await contentsOfZip(zip)).keys()]).not.toContain('data/preferences.jsonl')
    expect(report.leftOut.join('\n')).toMatch(/2 rooms that are not of these categories/)
    const general = join(directory, 'general.zip')
    await one.exportTo(general, { scope: ['General'] })
    // Outside the scope, and yet with a role in its rooms.
    expect(await names(general, 'data/principals.jsonl')).toContain('sip:carol@partner.test')
  })

  it.each(['user', 'category', 'room-directory', 'content'] as const)('of level %s round-trips', async (level) => {
    await one.exportTo(zip, { level })
    await two.db.knex('category').delete()
    const report = await two.importFrom(zip)

    const unknown = report.problems.filter(({ problem }) => !/^The room .* is not there\.$/.test(problem))
    expect(unknown).toEqual([])
    const again = join(directory, 'two.zip')
    await two.exportTo(again, { level })
    const [before, after] = [await contentsOfZip(zip), await contentsOfZip(again)]
    expect([...after.keys()]).toEqual([...before.keys()])
    for (const [name, content] of before)
      if (name.startsWith('chats/') || name.includes('categor')) expect(after.get(name)).toBe(content)
  })

  it('does not overwrite what it merely refers to', async () => {
    await one.exportTo(zip, { scope: ['Research wall'] })
    await addUser(two, 'alice')
    await two.importFrom(zip)

    const alice = await two.db.knex('principal').where({ account: 'alice' }).first()
    expect(alice).toMatchObject({ display_name: 'alice', secret: 'key$alice' })
    expect(await two.db.knex('pool_role').where({ principal_id: alice.id })).toEqual([])
  })

  it('of the room directory can start at a date', async () => {
    await one.db.knex('room').where({ name: 'desk' }).update({ created_at: 5 })
    await one.db.knex('room').whereIn('name', ['secret', 'closed']).update({ created_at: 5 })
    await one.db.knex('chat').whereNot({ principal_id: 0 }).update({ posted_at: 6 })
    const { id } = await one.db.knex('room').where({ name: 'desk' }).first('id')
    await addChats(one.db.knex, id, [one.admin.id], ['late'])

    await one.exportTo(zip, { level: 'room-directory', start: NOW - 10 })

    expect(await names(zip, 'data/rooms.jsonl')).toEqual(['desk'])
  })

  it('is refused for inconsistent options', async () => {
    const asked = (options: Parameters<PoolInTest['exportTo']>[1]) => one.exportTo(zip, options)
    await expect(asked({ level: 'all', start: 1 })).rejects.toThrow(ExportRefused)
    await expect(asked({ level: 'user', scope: ['General'] })).rejects.toThrow(/take.* no scope/)
    await expect(asked({ scope: ['Nowhere'] })).rejects.toThrow(/no category "Nowhere"/)
    const deps = { db: one.db, writer: one.writer, actor: one.admin, level: 'user' as const }
    await expect(disableRooms(deps)).rejects.toThrow(/no rooms to disable/)
  })

  it('disables its rooms, on record, and exports their state from before', async () => {
    const deps = { db: one.db, writer: one.writer, actor: one.admin, level: 'all' as const, scope: ['General'] }
    const disabledHere = await disableRooms(deps)
    await one.exportTo(zip, { scope: ['General'], disabledHere })

    expect(disabledHere.size).toBe(1)
    expect(await one.db.knex('room').where({ name: 'desk' }).first('disabled', 'rights')).toEqual({
      disabled: 1,
      rights: 2,
    })
    expect((await one.events()).map((event) => event.kind === 'change' && event.after)).toEqual([{ disabled: true }])
    const told = (await contentsOfZip(zip)).get('data/rooms.jsonl')!
    expect(told.match(/"disabled":(true|false)/g)?.sort()).toEqual(['"disabled":false', '"disabled":true'])
  })

  it('is aborted when nobody reads it, so that its snapshot does not stay open for ever', async () => {
    await addChats(
      one.db.knex,
      2,
      [one.admin.id],
      Array.from({ length: 100 }, () => crypto.randomUUID().repeat(500)),
    )
    const { db, clock } = one
    const { stream, done } = await exportData({
      db,
      clock,
      pool: 'one',
      domain: DOMAIN,
      by: 'x',
      level: 'all',
      stallMs: 1_000,
    })
    stream.on('error', () => {})
    let waiting = true
    void done
      .catch(() => {})
      .finally(() => {
        waiting = false
      })
    for (; waiting; clock.advance({ ms: 1_000 })) await yieldToEventLoop()

    await expect(done).rejects.toThrow(/given up/)
  })
})

async function addUser({ db }: PoolInTest, account: string): Promise<number> {
  const row = { account, uri: `sip:${account}@${DOMAIN}`, display_name: account, type: 'user', domain: DOMAIN }
  const [made] = await db
    .knex('principal')
    .insert({ ...row, secret: `key$${account}`, created_at: NOW })
    .returning('id')
  return (made as { id: number }).id
}
