import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { migrate, openDatabase } from '@hansard/sql'
import { sharePostgres } from '@hansard/test-servers'
import { expect, it } from 'vitest'
import { listRooms, POOL_MIGRATIONS } from '../index.ts'

it.each(['sqlite', 'postgres'] as const)(
  'lets an existing pool have several rooms of one name on %s',
  async (dialect) => {
    await using stack = new AsyncDisposableStack()
    const server = dialect === 'postgres' ? await sharePostgres() : undefined
    if (server) stack.defer(() => server.stop())
    const url =
      (await server?.createDatabase('pool')) ?? `sqlite:${join(mkdtempSync(join(tmpdir(), 'hansard-')), 'p.db')}`
    const db = openDatabase({ url })
    stack.defer(() => db.close())
    const at = POOL_MIGRATIONS.findIndex(({ name }) => name === 'room names may repeat')
    await migrate(db, POOL_MIGRATIONS.slice(0, at))
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
