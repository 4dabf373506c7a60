import { migrate } from '@hansard/sql'
import { expect, it } from 'vitest'
import { POOL_MIGRATIONS } from '../index.ts'
import { openPoolBefore } from './old-pool-in-test.ts'

it.each(['sqlite', 'postgres'] as const)(
  'lets current participants of rooms without history catch up on %s',
  async (dialect) => {
    await using pool = await openPoolBefore('departures from rooms without history', dialect)
    const { db } = pool
    for (const [id, chat_history] of [true, false].entries()) {
      await db.knex('category').insert({ id: id + 1, uri: `${id}`, name: `${id}`, chat_history, created_at: 1 })
      const room = { id: id + 10, uri: `r${id}`, name: `r${id}`, privacy: 'open', created_at: 1, last_chat_id: 7 }
      await db.knex('room').insert({ ...room, category_id: id + 1 })
      const there = { session: 's', principal_id: 1, source: 'x', epoch: 1, joined_at: 1 }
      await db.knex('participant').insert({ ...there, room_id: room.id })
    }

    await migrate(db, POOL_MIGRATIONS)

    expect(await db.knex('participant').orderBy('room_id').select('room_id', 'since')).toEqual([
      { room_id: 10, since: null },
      { room_id: 11, since: 7 },
    ])
  },
)
