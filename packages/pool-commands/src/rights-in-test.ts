import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { judge } from './judge-in-test.ts'
import { grp, must, openPlace, type PlaceInTest, POOL, type PoolInTest, sip } from './pool-in-test.ts'
import { addPeople, furnish, PEOPLE, take, wallSteps } from './random-commands-in-test.ts'

export const rights = (dialect: 'sqlite' | 'postgres') =>
  describe.each([dialect])('the rights version of a room on %s', (dialect) => {
    let place: PlaceInTest
    let pool: PoolInTest
    beforeAll(async () => {
      place = await openPlace(dialect)
    })
    afterAll(() => place?.close())
    beforeEach(async () => {
      pool = await place.open()
      await addPeople(pool)
    })
    afterEach(() => pool.close())

    it('is incremented by every change that alters what anybody may do there', async () => {
      let altered = 0
      await fc.assert(
        fc.asyncProperty(fc.array(wallSteps, { minLength: 1, maxLength: 40, size: 'max' }), async (steps) => {
          const one = await place.open()
          try {
            await furnish(one)
            const people = await Promise.all(PEOPLE.map((account) => one.principal(account)))
            let before = await judge(one, people)
            for (const [at, step] of steps.entries()) {
              await take(one, one.service, step, at)
              const after = await judge(one, people)
              for (const [id, now] of after) {
                const was = before.get(id)
                if (!was) continue
                const differ = [...now.decisions].filter(([what, decided]) => was.decisions.get(what) !== decided)
                altered += differ.length
                if (differ.length > 0)
                  expect({ differ, risen: now.rights > was.rights }).toEqual({ differ, risen: true })
              }
              before = after
            }
          } finally {
            await one.close()
          }
        }),
        { numRuns: dialect === 'sqlite' ? 40 : 6 },
      )
      expect(altered).toBeGreaterThan(20)
    })

    const rightsOf = async () => {
      const rooms: { name: string; rights: number }[] = await pool.db
        .knex('room')
        .whereNotNull('category_id')
        .orderBy('name')
      return Object.fromEntries(rooms.map(({ name, rights }) => [name, rights]))
    }

    it('is not incremented in rooms that a change does not concern', async () => {
      const { commands } = pool
      for (const name of ['Desk', 'Other']) must(await commands.createRoom(POOL, { name, category: 'General' }))
      must(await commands.createGroup(POOL, { name: 'outer' }))
      must(await commands.createGroup(POOL, { name: 'inner' }))
      must(await commands.changeGroup(POOL, { group: 'outer', members: { add: [grp('inner')] } }))
      expect(await rightsOf()).toEqual({ Desk: 1, Other: 1 })

      must(await commands.changeRoles(POOL, { room: 'Desk', role: 'member', change: { add: [grp('outer')] } }))
      expect(await rightsOf()).toEqual({ Desk: 2, Other: 1 })
      must(await commands.changeGroup(POOL, { group: 'inner', members: { add: [sip('ann')] } }))
      expect(await rightsOf()).toEqual({ Desk: 3, Other: 1 })
      must(await commands.changeGroup(POOL, { group: 'inner', displayName: 'Inner' }))
      must(await commands.changeCategory(POOL, { category: 'General', description: 'Everybody' }))
      must(await commands.changeCategory(POOL, { category: 'General', creators: { add: [sip('ann')] } }))
      must(await commands.changeRoles(POOL, { room: 'Desk', role: 'member', change: { add: [grp('outer')] } }))
      must(await commands.changeRoom(POOL, { room: 'Desk', topic: '' }))
      expect(await rightsOf()).toEqual({ Desk: 3, Other: 1 })
      must(await commands.changeCategory(POOL, { category: 'General', denied: { add: [sip('ann')] } }))
      expect(await rightsOf()).toEqual({ Desk: 4, Other: 2 })
    })

    it('is incremented where a participant’s account is disabled', async () => {
      const { commands, service } = pool
      for (const name of ['Desk', 'Other']) must(await commands.createRoom(POOL, { name, category: 'General' }))
      const ann = await pool.principal('ann')
      const { id: roomId, rights } = await pool.room('Desk')
      await service.record({ kind: 'join', roomId, principal: ann, session: 's', rights })

      must(await commands.changeUser(POOL, { user: 'ann', disabled: true }))

      expect(await rightsOf()).toEqual({ Desk: 2, Other: 1 })
      expect(service.told).toContainEqual({ t: 'principal-changed', principals: [ann.id] })
    })

    it('is incremented where a policy may bar a participant, and nowhere else', async () => {
      const { commands, service } = pool
      for (const name of ['Ann’s', 'Bob’s', 'Empty'])
        must(await commands.createRoom(POOL, { name, category: 'General' }))
      for (const [account, name] of [
        ['ann', 'Ann’s'],
        ['bob', 'Bob’s'],
      ] as const) {
        const { id: roomId, rights } = await pool.room(name)
        await service.record({
          kind: 'join',
          roomId,
          principal: await pool.principal(account),
          session: account,
          rights,
        })
      }
      let before = await rightsOf()
      const risen = async () => {
        const now = await rightsOf()
        const names = Object.keys(now).filter((name) => now[name]! > before[name]!)
        before = now
        return names
      }

      must(await commands.createPolicy(POOL, { identity: 'traders', enabled: false }))
      expect(await risen()).toEqual([])
      must(await commands.grantPolicy(POOL, { users: ['ann'], policy: 'traders' }))
      expect(await risen()).toEqual(['Ann’s'])
      must(await commands.grantPolicy(POOL, { users: ['ann'], policy: 'traders' }))
      expect(await risen()).toEqual([])
      must(await commands.changePolicy(POOL, { policy: 'traders', description: 'those who trade' }))
      expect(await risen()).toEqual([])
      must(await commands.changePolicy(POOL, { policy: 'traders', enabled: true }))
      expect(await risen()).toEqual(['Ann’s'])
      for (const identity of ['global', 'site:oslo', 'pool:test']) {
        must(await commands.createPolicy(POOL, { identity, enabled: true }))
        expect(await risen()).toEqual(['Ann’s', 'Bob’s'])
        must(await commands.changePolicy(POOL, { policy: identity, enabled: false }))
        expect(await risen()).toEqual(['Ann’s', 'Bob’s'])
        must(await commands.deletePolicy(POOL, { policy: identity }))
        expect(await risen()).toEqual(['Ann’s', 'Bob’s'])
      }
      must(await commands.changeUser(POOL, { user: 'bob', policy: 'traders' }))
      expect(await risen()).toEqual(['Bob’s'])
      must(await commands.deletePolicy(POOL, { policy: 'traders' }))
      expect(await risen()).toEqual(['Ann’s', 'Bob’s'])
    })

    it('is published on the bus with each changed room', async () => {
      const { commands, service } = pool
      must(await commands.createRoom(POOL, { name: 'Desk', category: 'General' }))
      const { id } = await pool.room('Desk')
      service.told.length = 0
      must(await commands.changeRoom(POOL, { room: 'Desk', privacy: 'open' }))
      expect(service.told).toEqual([{ t: 'room-changed', room: id, from: 'service-1/1', rights: 2 }])
    })
  })
