import { createWriteStream, mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { systemClock } from '@hansard/clock'
import { exportData, importData, openDataFile } from '@hansard/pool-data'
import { createRecordWriter, findPoolRoom, type Principal, type Room, startSource } from '@hansard/pool-store'
import type { Knex } from '@hansard/sql'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openPoolInTest, type PoolInTest } from './service-in-test.ts'

/** The part of the file that bars bob from the room. It is undone before he joins. */
type Ban = {
  readonly put: (pool: PoolInTest, bob: Principal, room: Room) => Promise<unknown>
  readonly undo: Ban['put']
}
const scope = (knex: Knex, bob: Principal) => knex('category_scope').where({ principal_id: bob.id, list: 'denied' })
const BANS: Record<string, Ban> = {
  'is no member': {
    put: (pool, bob, room) => pool.revoke(room, bob),
    undo: (pool, bob, room) => pool.grant(room, bob),
  },
  'is behind a wall': {
    put: ({ db }, { id }, { categoryId }) =>
      db.knex('category_scope').insert({ category_id: categoryId, principal_id: id, list: 'denied' }),
    undo: ({ db }, bob) => scope(db.knex, bob).delete(),
  },
  'has a disabled account': {
    put: ({ db }, { id }) => db.knex('principal').where({ id }).update({ disabled: true }),
    undo: ({ db }, { id }) => db.knex('principal').where({ id }).update({ disabled: false }),
  },
}

describe.each(['sqlite', 'postgres'] as const)('an import while users chat, on %s', (dialect) => {
  let pool: PoolInTest
  let room: Room
  let bob: Principal
  let directory: string
  beforeEach(async () => {
    directory = mkdtempSync(join(tmpdir(), 'hansard-import-'))
    pool = await openPoolInTest(dialect)
    const alice = await pool.person('alice')
    bob = await pool.person('bob')
    room = await pool.room('desk', 'closed')
    await pool.grant(room, alice)
    await pool.grant(room, bob)
  })
  afterEach(async () => {
    await pool.close()
    await rm(directory, { recursive: true, force: true })
  })

  const takeOut = async (path: string) => {
    const where = { db: pool.db, clock: systemClock, pool: 'test', domain: 'example.com', by: 'admin' }
    const { stream, done } = await exportData({ ...where, level: 'all' })
    await Promise.all([done, pipeline(stream, createWriteStream(path))])
  }
  /** Sends no hint on the bus: nothing may depend on it. */
  const bringIn = async (path: string) => {
    const { db } = pool
    const actor = await pool.person('admin')
    await db.knex('pool_role').insert({ principal_id: actor.id, role: 'administrator' })
    const source = await startSource(db, { name: 'import', endpoint: '', now: Date.now() })
    const writer = createRecordWriter({ db, clock: systemClock, source, place: { pool: 'test' } })
    const { id: poolRoomId } = await findPoolRoom(db)
    const file = await openDataFile(path)
    const origin = { name: 'pool-data.zip', sha256: '0'.repeat(64) }
    const who = { actor, by: 'admin', pool: 'test', dryRun: false, poolRoomId, origin }
    try {
      return await importData(file, { db, clock: systemClock, writer, ...who })
    } finally {
      file.close()
      await writer.stop()
    }
  }

  it.each(Object.entries(BANS))(
    'puts out who %s by it, and hands them nothing said after it',
    async (_, { put, undo }) => {
      const path = join(directory, 'data.zip')
      await put(pool, bob, room)
      await takeOut(path)
      await undo(pool, bob, room)
      const { connect } = await pool.start()
      const alice = await connect('alice')
      const watcher = await connect('bob')
      await alice.ask({ t: 'join', room: room.uri })
      await watcher.ask({ t: 'join', room: room.uri })
      await alice.post(room, 'before')
      await watcher.until(() => watcher.chats().length === 1)

      expect((await bringIn(path)).problems).toEqual([])
      await alice.post(room, 'after')
      await alice.told('participant-parted')

      expect(watcher.chats().map(([, text]) => text)).toEqual(['before'])
      const parted = (await pool.events()).filter((event) => event.kind === 'part')
      expect(parted).toMatchObject([{ principal: { uri: bob.uri } }])
    },
  )
})
