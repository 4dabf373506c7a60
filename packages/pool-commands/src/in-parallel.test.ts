import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import {
  grp,
  must,
  openPlace,
  type PlaceInTest,
  POOL,
  type PoolInTest,
  refusal,
  type ServiceInTest,
  sip,
} from './pool-in-test.ts'
import { addPeople, allSteps, furnish, take } from './random-commands-in-test.ts'
import { stateByEvents, stateByTables } from './state-in-test.ts'

const until = { timeout: 60_000, interval: 10 }
/** Other databases of the server have waiters of their own. */
const WAITING_HERE = "from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"

describe('services that change one pool concurrently on postgres', () => {
  let place: PlaceInTest
  let pool: PoolInTest
  let services: ServiceInTest[]
  beforeAll(async () => {
    place = await openPlace('postgres')
  })
  afterAll(() => place?.close())
  beforeEach(async () => {
    pool = await place.open()
    await addPeople(pool)
    services = [pool.service, await pool.startService(), await pool.startService()]
  })
  afterEach(() => pool.close())

  const sameAsTold = async (of = pool) => expect(stateByEvents(await of.events())).toEqual(await stateByTables(of.db))
  /** All concurrently, `times` over, each on its own service. */
  const race = (times: number, ...works: ((service: ServiceInTest, time: number) => Promise<unknown>)[]) =>
    Promise.all(
      works.map(async (work, index) => {
        for (let time = 0; time < times; time += 1) await work(services[index]!, time)
      }),
    )

  it('record events that imply the state, whatever they do', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(allSteps, allSteps), { minLength: 1, maxLength: 40, size: 'max' }),
        async (steps) => {
          const one = await place.open()
          try {
            await furnish(one)
            const other = await one.startService()
            const run = async (service: ServiceInTest, side: 0 | 1) => {
              for (const [at, pair] of steps.entries()) await take(one, service, pair[side], at)
            }
            await Promise.all([run(one.service, 0), run(other, 1)])
            await sameAsTold(one)
          } finally {
            await one.close()
          }
        },
      ),
      { numRuns: 6 },
    )
  })

  it('do not overwrite one another’s changes to a room', async () => {
    must(await pool.commands.createRoom(POOL, { name: 'Desk', category: 'General' }))
    for (let n = 0; n < 30; n += 1) await pool.addUser(`u${n}`)
    const add =
      (from: number) =>
      async ({ commands }: ServiceInTest, time: number) =>
        must(
          await commands.changeRoles(POOL, { room: 'Desk', role: 'member', change: { add: [sip(`u${from + time}`)] } }),
        )

    await race(10, add(0), add(10), add(20))

    const { room } = (await stateByTables(pool.db)) as { room: Record<string, { members: string[] }> }
    expect(Object.values(room)[0]!.members).toHaveLength(30)
    expect((await pool.room('Desk')).rights).toBe(31)
    await sameAsTold()
  })

  it('do not block one another with walls, moved rooms and posts', async () => {
    must(await pool.commands.createCategory(POOL, { name: 'Wall', allowed: [sip('ann'), sip('bob')] }))
    for (const name of ['Desk', 'Other']) must(await pool.commands.createRoom(POOL, { name, category: 'General' }))
    const talk = Promise.all(
      Array.from({ length: 60 }, (_, n) => pool.post('ann', n % 2 ? 'Desk' : 'Other', `${n}`).catch(() => {})),
    )

    await race(
      12,
      async ({ commands }, time) =>
        must(
          await commands.changeCategory(POOL, {
            category: time % 3 ? 'Wall' : 'General',
            denied: time % 2 ? { add: [sip('bob')] } : { remove: [sip('bob')] },
          }),
        ),
      async ({ commands }, time) =>
        must(
          await commands.changeRoom(POOL, {
            room: time % 2 ? 'Desk' : 'Other',
            category: time % 3 ? 'Wall' : 'General',
          }),
        ),
      async ({ commands }, time) => {
        const made = await commands.createRoom(POOL, { name: `New ${time}`, category: 'Wall', members: [sip('ann')] })
        must(made)
        must(await commands.deleteRoom(POOL, { room: `New ${time}` }))
      },
    )
    await talk
    await sameAsTold()
  })

  it('never make a group contain itself, and update every room a nested group concerns', async () => {
    const { commands } = pool
    for (const name of ['a', 'b', 'c', 'd']) must(await commands.createGroup(POOL, { name }))
    must(await commands.changeGroup(POOL, { group: 'a', members: { add: [grp('b')] } }))
    must(await commands.changeGroup(POOL, { group: 'c', members: { add: [grp('d')] } }))

    const [one, two] = await Promise.all([
      services[1]!.commands.changeGroup(POOL, { group: 'b', members: { add: [grp('c')] } }),
      services[2]!.commands.changeGroup(POOL, { group: 'd', members: { add: [grp('a')] } }),
    ])
    expect([refusal(one), refusal(two)].sort()).toEqual(['invalid', 'not refused'])

    must(await commands.createRoom(POOL, { name: 'Desk', category: 'General', members: [grp('a')] }))
    await race(
      10,
      async ({ commands: on }, time) =>
        must(
          await on.changeGroup(POOL, {
            group: 'd',
            members: time % 2 ? { remove: [sip('ann')] } : { add: [sip('ann')] },
          }),
        ),
      async ({ commands: on }, time) =>
        must(
          await on.changeRoles(POOL, {
            room: 'Desk',
            role: 'member',
            change: time % 2 ? { add: [grp('a')] } : { remove: [grp('a')] },
          }),
        ),
      async ({ commands: on }, time) => must(await on.changeUser(POOL, { user: 'ann', disabled: time % 2 === 0 })),
    )
    await sameAsTold()
  })

  it('do not delete a category under a room that is being created in it', async () => {
    for (let time = 0; time < 8; time += 1) {
      const category = `c${time}`
      must(await pool.commands.createCategory(POOL, { name: category, allowed: [sip('ann')] }))
      const [made, gone] = await Promise.all([
        services[1]!.commands.createRoom(POOL, { name: `r${time}`, category }),
        services[2]!.commands.deleteCategory(POOL, { category }),
      ])
      const seen = [refusal(made), refusal(gone)]
      expect([
        ['not refused', 'category-not-empty'],
        ['no-such-category', 'not refused'],
      ]).toContainEqual(seen)
    }
    await sameAsTold()
  })

  it('do not let the last two administrators revoke each other’s role', async () => {
    await pool.addUser('boss', { roles: ['administrator'] })
    const [admin, boss] = [await pool.principal('admin'), await pool.principal('boss')]
    const answers = await Promise.all([
      services[1]!.commands.changeUser(admin, { user: 'boss', roles: [] }),
      services[2]!.commands.changeUser(boss, { user: 'admin', roles: [] }),
    ])
    expect(answers.map(refusal).sort()).toEqual(['not refused', 'not-an-administrator'].sort())
  })

  it.each([
    ['an account', { disabled: true }],
    ['a policy', { policy: 'traders' }],
  ])('let nobody join unnoticed while %s bars them', async (_, changes) => {
    must(await pool.commands.createRoom(POOL, { name: 'Desk', category: 'General', privacy: 'open' }))
    must(await pool.commands.createPolicy(POOL, { identity: 'traders', enabled: false }))
    const { id: roomId, rights } = await pool.room('Desk')
    const principal = await pool.principal('ann')
    const blocker = await pool.db.knex.transaction()
    const waiting = async () => (await pool.db.knex.raw(`select pid ${WAITING_HERE}`)).rows.length as number
    await blocker.raw('lock table participant in share mode')
    // It has found the account enabled, and cannot record the join yet.
    const join = services[1]!.record({ kind: 'join', roomId, principal, session: 's', rights })
    await vi.waitFor(async () => expect(await waiting()).toBe(1), until)
    let made = false
    const change = services[2]!.commands.changeUser(POOL, { user: 'ann', ...changes }).finally(() => {
      made = true
    })
    await vi.waitFor(async () => expect(made || (await waiting()) === 2).toBe(true), until)
    await blocker.rollback()

    expect(await join).toMatchObject({ kind: 'join' })
    must(await change)
    expect((await pool.room('Desk')).rights).toBe(rights + 1)
    const look = { kind: 'backchat', roomId, principal, firstChatId: 0, lastChatId: 0, rights: rights + 1 } as const
    expect(await services[1]!.record(look)).toMatchObject({ kind: 'rights-changed' })
    await sameAsTold()
  })

  it('assign a name once', async () => {
    const answers = await Promise.all(
      services.map(({ commands }) => commands.createRoom(POOL, { name: 'Desk', category: 'General' })),
    )
    expect(answers.map(refusal).sort()).toEqual(['duplicate-name', 'duplicate-name', 'not refused'])
  })

  it('prepare a pool once, however many do', async () => {
    const fresh = await place.open({ prepared: false })
    try {
      const others = [fresh.service, await fresh.startService(), await fresh.startService()]
      await Promise.all(others.map(({ commands }) => commands.preparePool()))
      await Promise.all(others.map(({ commands }) => commands.preparePool()))
      expect(await fresh.db.knex('category').select('name')).toEqual([{ name: 'General' }])
      expect(await fresh.changes()).toHaveLength(1)
      await sameAsTold(fresh)
    } finally {
      await fresh.close()
    }
  })

  it('report a retryable failure when the database connection is terminated', async () => {
    const blocker = await pool.db.knex.transaction()
    await blocker('pool_setting').where({ name: 'pool-room' }).forUpdate().first()
    const attempt = services[1]!.commands.createRoom(POOL, { name: 'Desk', category: 'General' })
    const outcome = expect(attempt).rejects.toMatchObject({ name: 'RecordUnavailable' })
    await vi.waitFor(async () => {
      const ended = await pool.db.knex.raw(`select pg_cancel_backend(pid) ${WAITING_HERE}`)
      expect(ended.rows).not.toEqual([])
    }, until)
    await outcome
    await blocker.rollback()

    must(await services[1]!.commands.createRoom(POOL, { name: 'Desk', category: 'General' }))
    await sameAsTold()
  })

  it('retry after a deadlock with another transaction, invisibly', async () => {
    for (const name of ['Desk', 'Other']) must(await pool.commands.createRoom(POOL, { name, category: 'General' }))
    const { id: desk } = await pool.room('Desk')
    const blocker = await pool.db.knex.transaction()
    // A lock order that the product never uses: first a room, then the lock that orders changes.
    await blocker('room').where({ id: desk }).forUpdate().first()
    const attempt = services[1]!.commands.changeRoom(POOL, { room: 'Desk', topic: 'Beans' })
    await vi.waitFor(async () => {
      const waiting = await pool.db.knex.raw(`select pid ${WAITING_HERE}`)
      expect(waiting.rows).not.toEqual([])
    }, until)
    const crossing = blocker('pool_setting').where({ name: 'pool-room' }).forUpdate().first()
    await Promise.allSettled([crossing])
    await blocker.rollback()

    must(await attempt)
    await sameAsTold()
  })
})
