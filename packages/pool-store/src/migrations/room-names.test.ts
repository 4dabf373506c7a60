import { migrate } from '@hansard/sql'
import { expect, it } from 'vitest'
import { listRooms, POOL_MIGRATIONS } from '../index.ts'
import { openPoolBefore } from './old-pool-in-test.ts'

it.each(['sqlite', 'postgres'] as const)(
  'lets an existing pool have several rooms of one name on %s',
  async (dialect) => {
    await using pool = await openPoolBefore('room names may repeat', dialect)
    const { db } = pool
    await db.knex('category').insert({ id: 1, uri: 'c', name: 'c', created_at: 1 })
    const add = (uri: string) =>
      db.knex('room').insert({ uri, name: 'desk', privacy: 'open', created_at: 1, category_id: 1 })
    await add('ma-chan:b')
    await expect(add('ma-chan:a')).rejects.toThrow(/unique/i)

    await migrate(db, POOL_MIGRATIONS)

    await add('ma-chan:a')
    await expect(add('ma-chan:a')).rejects.toThrow(/unique/i)
    expect((await listRooms(db, { limit: 9 })).map(({ uri }) => uri)).toEqual(['ma-chan:a', 'ma-chan:b'])
  },
)
