import { createRecordWriter, startSource } from '@hansard/pool-store'
import { type SharedPostgres, sharePostgres } from '@hansard/test-servers'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type FilesInTest, send, startFilesInTest } from './files-in-test.ts'

describe.each(['sqlite', 'postgres'] as const)('the wall on %s', (dialect) => {
  let server: SharedPostgres | undefined
  let pool: FilesInTest
  beforeAll(async () => {
    if (dialect === 'postgres') server = await sharePostgres()
  })
  afterAll(() => server?.stop())
  afterEach(() => pool?.close())

  /** Removes bob from the room as administrators do: a recorded change, by another source. */
  async function createRemoval() {
    const source = await startSource(pool.db, { name: 'admin-1', endpoint: 'http://admin', now: pool.clock.now() })
    const writer = createRecordWriter({ db: pool.db, clock: pool.clock, source, place: { pool: 'test' } })
    return () =>
      writer.change(async (tx) => {
        const room = tx('room').where({ id: pool.roomId }).select('uri', 'name')
        const [{ uri, name }] = await (pool.db.dialect === 'postgres' ? room.forUpdate() : room)
        await tx('room_role').where({ room_id: pool.roomId, principal_id: pool.bob.id }).delete()
        const subject = { type: 'room' as const, uri, name }
        const detail = {
          kind: 'change' as const,
          action: 'changed' as const,
          subject,
          before: { members: [pool.bob.uri] },
          after: {},
        }
        return {
          events: [{ roomId: pool.roomId, principal: pool.alice, detail }],
          rights: [pool.roomId],
          result: undefined,
        }
      })
  }

  it('holds from the commit that removes a right: no later download or upload is on record', async () => {
    pool = await startFilesInTest(server)
    const remove = await createRemoval()
    const fileId = await pool.put(Buffer.from('for members'))
    for (let round = 0; round < 6; round += 1) {
      const down = await pool.download(pool.bob, fileId)
      const ups = await Promise.all(Array.from({ length: 5 }, () => pool.upload(pool.bob, { size: 3 })))
      const requests = [
        ...Array.from({ length: 10 }, () => send('GET', down.url, down)),
        ...ups.map((up) => send('PUT', up.url, { ...up, body: Buffer.from('bob') })),
      ]
      if (round % 2 === 0) await Promise.race(requests)
      await remove()
      const after = await send('GET', down.url, down)
      const answers = await Promise.all(requests)

      expect(after.status).toBe(404)
      const events = await pool.events()
      const inRoom = events.toSorted((a, b) => a.room.seq - b.room.seq)
      const removal = inRoom.findLastIndex(({ kind }) => kind === 'change')
      expect(inRoom.slice(removal + 1)).toEqual([])
      const served = answers.filter(({ status }) => status < 300).length
      const before = inRoom.slice(inRoom.findLastIndex(({ kind }, n) => kind === 'change' && n < removal) + 1, removal)
      expect(before.filter(({ principal }) => principal.uri === pool.bob.uri)).toHaveLength(served)
      await pool.addToRoom(pool.bob)
      // An upload that he did not complete no longer counts against his limit.
      pool.clock.advance({ minutes: 31 })
    }
  })
})
