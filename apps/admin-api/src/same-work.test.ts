import { ADMIN_ROUTES, type AdminRouteName, type Route } from '@hansard/admin-contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type AdminInTest, openAdminInTest } from './admin-in-test.ts'

type Asked = Parameters<AdminInTest['ask']>[1]
const MISSING_ROOM = 'ma-chan://example.com/00000000-0000-0000-0000-000000000000'
const MISSING_CATEGORY = 'ma-cat://example.com/00000000-0000-0000-0000-000000000000'

/** Every route that callers without a role may use, with the parameters that can name something hidden from them. */
const NAMING_ROOMS: Readonly<Partial<Record<AdminRouteName, (room: string) => Asked>>> = {
  showRoom: (room) => ({ deps: { room } }),
  changeRoom: (room) => ({ deps: { room }, body: { topic: 'x' } }),
  changeRoomRoles: (room) => ({ deps: { room }, body: { members: { add: ['mia'] } } }),
  disableRoom: (room) => ({ deps: { room } }),
  moveRoom: (room) => ({ deps: { room }, body: { category: 'General' } }),
  eligiblePrincipals: (room) => ({ query: { room } }),
}
const NAMING_CATEGORIES: Readonly<Partial<Record<AdminRouteName, (category: string) => Asked>>> = {
  createRoom: (category) => ({ body: { name: 'new', category } }),
  moveRoom: (category) => ({ deps: { room: 'managed' }, body: { category } }),
  listRooms: (category) => ({ query: { category } }),
  eligiblePrincipals: (category) => ({ query: { category } }),
}

/** Routes that show public data, or the caller's own. */
const NAMING_NEITHER: readonly AdminRouteName[] = ['listAddIns', 'listCategories']

describe.each(['sqlite', 'postgres'] as const)('what a manager of rooms may not see, on %s', (dialect) => {
  let test: AdminInTest
  let mia: string
  const rooms: string[] = []
  let category: string
  beforeAll(async () => {
    test = await openAdminInTest(dialect)
    const token = await test.signIn()
    mia = await test.addUser('mia')
    const people = Array.from({ length: 20 }, (_, at) => `person-${at}`)
    await test.done('addUsers', { token, body: { users: people.map((account) => ({ account, generateKey: true })) } })
    const made = await test.done('addCategory', { token, body: { name: 'Walled', allowed: people, creators: people } })
    category = made.uri
    const make = async (name: string, more: object) => {
      const { uri } = await test.done('createRoom', { token, body: { name, category: 'General', ...more } })
      rooms.push(name, uri)
    }
    await make('secret', { privacy: 'secret', members: ['person-1'] })
    await make('secret too', { privacy: 'secret' })
    await make('large', { members: people, managers: people })
    await make('walled', { category: 'Walled', privacy: 'open' })
    await make('another', { category: 'Walled' })
    await test.done('createRoom', { token, body: { name: 'managed', category: 'General', managers: ['mia'] } })
    await test.done('addCategory', { token, body: { name: 'Mine', allowed: ['mia'], creators: ['mia'] } })
    await test.done('createRoom', { token, body: { name: 'mine', category: 'Mine', managers: ['mia'] } })
    await test.done('addGroup', { token, body: { name: 'Hidden', members: people } })
  })
  afterAll(() => test?.close())

  /**
   * The answer, and the SQL statements that it took, without their values. The clock stands still, so no other
   * statements are made.
   */
  const workOf = async (name: AdminRouteName, asked: Asked) => {
    const statements: string[] = []
    const note = ({ sql }: { sql: string }) => void statements.push(sql)
    test.poolDb.knex.on('query', note)
    const answer = await test.ask(name, { token: mia, ...asked })
    test.poolDb.knex.off('query', note)
    return { answer, statements }
  }

  it('is named on every route that managers may call', () => {
    const routes = (Object.keys(ADMIN_ROUTES) as AdminRouteName[]).filter((name) => {
      const { roles }: Route = ADMIN_ROUTES[name]
      return roles !== 'everybody' && roles.includes('manager')
    })
    const named = [...Object.keys(NAMING_ROOMS), ...Object.keys(NAMING_CATEGORIES), ...NAMING_NEITHER]
    expect([...new Set(named)].sort()).toEqual(routes.sort())
  })

  it.each(Object.keys(NAMING_ROOMS) as AdminRouteName[])('costs %s what a room costs that never was', async (name) => {
    const ask = (room: string) => workOf(name, NAMING_ROOMS[name]!(room))
    const missing = { name: await ask('not there'), uri: await ask(MISSING_ROOM) }
    expect(missing.uri.answer).toMatchObject({ status: 404, body: { error: 'no-such-room' } })
    for (const room of rooms) {
      expect(await ask(room), room).toEqual(room.startsWith('ma-chan:') ? missing.uri : missing.name)
    }
    expect(missing.name.statements.length).toBeGreaterThan(3)
  })

  it.each([
    ['createRoom', ['secret', 'walled']],
    ['changeRoom', ['another', 'secret too']],
  ] as const)('answers %s for a taken name as for a free one', async (route, taken) => {
    const ask = async (name: string) => {
      const { answer, statements } = await workOf(
        route,
        route === 'createRoom'
          ? { body: { name, category: 'Mine', privacy: 'secret' } }
          : { deps: { room: 'mine' }, body: { name, dryRun: true } },
      )
      const [own, uri] = [`"name":"${name}"`, /[0-9a-f]{8}-[0-9a-f-]{27}/]
      return { bytes: JSON.stringify(answer).replace(own, 'NAME').replace(uri, 'URI'), statements }
    }
    await ask(`warm ${route}`)
    const free = await ask(`free ${route}`)
    expect(free.bytes).toContain('"status":200')
    for (const name of taken) expect(await ask(name), name).toEqual(free)
  })

  it('answers for members who are out of reach as for members who are not there', async () => {
    const ask = async (name: string) => {
      const asked = { deps: { room: 'mine' }, body: { members: { add: [name] } } }
      const { answer, statements } = await workOf('changeRoomRoles', asked)
      return { bytes: JSON.stringify(answer).replaceAll(name, 'NAME'), statements }
    }
    await ask('not-there')
    const missing = await ask('not-there')
    expect(missing.bytes).toContain('not-in-scope')
    for (const name of ['person-1', 'sip:person-1@example.com', 'ma-grp:Hidden@example.com', 'ma-grp:No@example.com']) {
      expect(await ask(name), name).toEqual(missing)
    }
  })

  it.each(Object.keys(NAMING_CATEGORIES) as AdminRouteName[])(
    'costs %s what a category costs that never was',
    async (name) => {
      const ask = (named: string) => workOf(name, NAMING_CATEGORIES[name]!(named))
      // After a refused change the service reads its source row once more, whatever the next request is.
      await ask('Nowhere')
      expect(await ask('Walled')).toEqual(await ask('Nowhere'))
      const missing = await ask(MISSING_CATEGORY)
      expect(await ask(category)).toEqual(missing)
      expect(missing.statements.length).toBeGreaterThan(3)
    },
  )
})
