import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { newRoomUri } from '@hansard/rooms'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { addChats, type Filled, fillPool, HOSTILE } from './fill-pool-in-test.ts'
import { DOMAIN, openPoolInTest, type PoolInTest } from './pool-in-test.ts'

describe('an import and disabled rooms', () => {
  let directory: string
  let one: PoolInTest
  let two: PoolInTest
  let filled: Filled
  let zip: string
  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'hansard-disabled-'))
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

  it('adds only later chats to a room disabled since, and leaves it disabled', async () => {
    await two.importFrom(zip)
    await addChats(one.db.knex, filled.desk, [one.admin.id], ['since', 'then'])
    const later = join(directory, 'later.zip')
    await one.exportTo(later)

    const open = await two.importFrom(later)
    expect(open.problems).toMatchObject([{ problem: expect.stringMatching(/2 chats are not added: the room is open/) }])
    await two.db.knex('room').where({ name: 'desk' }).update({ disabled: true })
    const shut = await two.importFrom(later)

    expect(shut.problems).toEqual([])
    expect(shut.counts['chats']).toEqual({ same: filled.chats, made: 2 })
    expect(await roomOf(two, 'desk')).toMatchObject({ last_chat_id: HOSTILE.length + 2, disabled: 1 })
  })

  it('enables no room that was disabled here, with or without chats, and a dry run reports it', async () => {
    await one.db.knex('room').insert({
      ...(await one.db.knex('room').where({ name: 'desk' }).first('category_id', 'privacy', 'created_at')),
      uri: newRoomUri(DOMAIN),
      name: 'quiet',
    })
    await one.exportTo(zip)
    await two.importFrom(zip)
    for (const name of ['desk', 'quiet']) expect(await roomOf(two, name)).toMatchObject({ disabled: 0 })
    await two.db.knex('room').whereIn('name', ['desk', 'quiet']).update({ disabled: true })

    const tried = await two.importFrom(zip, { dryRun: true })
    const done = await two.importFrom(zip)

    expect(tried).toEqual({ ...done, what: 'dry-run' })
    expect(done.counts['rooms']).toEqual({ same: 4 })
    for (const name of ['desk', 'quiet']) expect(await roomOf(two, name)).toMatchObject({ disabled: 1 })
  })

  it('disables a room that is disabled in the file, adds its chats, and a dry run reports it', async () => {
    await two.importFrom(zip)
    await addChats(one.db.knex, filled.desk, [one.admin.id], ['since', 'then'])
    await one.db.knex('room').where({ name: 'desk' }).update({ disabled: true })
    await one.exportTo(zip)

    const tried = await two.importFrom(zip, { dryRun: true })
    const done = await two.importFrom(zip)

    expect(tried).toEqual({ ...done, what: 'dry-run' })
    expect(done.problems).toEqual([])
    expect(done.counts).toMatchObject({ rooms: { changed: 1 }, chats: { made: 2 } })
    expect(await roomOf(two, 'desk')).toMatchObject({ disabled: 1, last_chat_id: HOSTILE.length + 2 })
    const told = (await two.events()).flatMap((event) => (event.kind === 'change' ? [event.after] : []))
    expect(told).toContainEqual({ disabled: true })
  })
})
