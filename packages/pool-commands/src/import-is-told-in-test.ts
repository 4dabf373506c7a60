import { createWriteStream, mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { type Changed, exportData, importData, openDataFile } from '@hansard/pool-data'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { judge } from './judge-in-test.ts'
import { DOMAIN, must, openPlace, type PlaceInTest, POOL, type PoolInTest, sip } from './pool-in-test.ts'
import { allSteps, furnish, PEOPLE, type Step, take, wallSteps } from './random-commands-in-test.ts'
import { type StateInTest, stateByEvents, stateByTables } from './state-in-test.ts'

const RUNS = { sqlite: 15, postgres: 5 } as const

export const importIsTold = (dialect: 'sqlite' | 'postgres') =>
  describe.each([dialect])('an import into a pool that has diverged on %s', (dialect) => {
    let place: PlaceInTest
    let directory: string
    beforeAll(async () => {
      place = await openPlace(dialect)
      directory = mkdtempSync(join(tmpdir(), 'hansard-told-'))
    })
    afterAll(async () => {
      await place?.close()
      await rm(directory, { recursive: true, force: true })
    })

    /** Imports the later changes of one pool into another that began as its copy and has diverged since. */
    const merging = async (
      steps: { ours: readonly Step[]; theirs: readonly Step[] },
      check: (pool: PoolInTest, bringIn: () => Promise<Changed[]>) => Promise<void>,
    ) => {
      const [from, into] = [await place.open(), await place.open()]
      try {
        const zip = join(directory, `${crypto.randomUUID()}.zip`)
        await furnish(from)
        await into.addUser('admin', { roles: ['administrator', 'operator'] })
        await exportTo(from, zip)
        await importFrom(into, zip)
        for (const [at, step] of steps.theirs.entries()) await take(from, from.service, step, at)
        for (const [at, step] of steps.ours.entries()) await take(into, into.service, step, at)
        await exportTo(from, zip)
        await check(into, () => importFrom(into, zip))
      } finally {
        await from.close()
        await into.close()
      }
    }
    const some = (arbitrary: fc.Arbitrary<Step>) => fc.array(arbitrary, { minLength: 1, maxLength: 40, size: 'max' })

    it('is recorded in events that imply the tables', async () => {
      let changes = 0
      await fc.assert(
        fc.asyncProperty(some(allSteps), some(allSteps), async (ours, theirs) => {
          await merging({ ours, theirs }, async (pool, bringIn) => {
            const before = (await pool.events()).length
            await bringIn()
            const events = await pool.events()
            changes += events.length - before

            expect(withoutChats(stateByEvents(events))).toEqual(withoutChats(await stateByTables(pool.db)))
          })
        }),
        { numRuns: RUNS[dialect] },
      )
      expect(changes).toBeGreaterThan(10)
    })

    it('increments the rights version of every room in which a decision may differ', async () => {
      let altered = 0
      await fc.assert(
        fc.asyncProperty(some(wallSteps), some(wallSteps), async (ours, theirs) => {
          await merging({ ours, theirs }, async (pool, bringIn) => {
            const people = await Promise.all(PEOPLE.map((account) => pool.principal(account)))
            const before = await judge(pool, people)
            const told = new Set((await bringIn()).flatMap(({ rooms }) => rooms))
            for (const [id, now] of await judge(pool, people)) {
              const was = before.get(id)
              const differ = [...now.decisions].filter(([what, decided]) => was && was.decisions.get(what) !== decided)
              if (!was || differ.length === 0) continue
              altered += differ.length
              expect({ differ, risen: now.rights > was.rights }).toEqual({ differ, risen: true })
              expect(told).toContain(id)
            }
          })
        }),
        { numRuns: RUNS[dialect] },
      )
      expect(altered).toBeGreaterThan(20)
    })

    const bob = sip('bob')
    it.each<[string, string, Step['input'], number[]]>([
      ['a participant’s account is disabled', 'changeUser', { user: 'bob', disabled: true }, [0, 1, 0]],
      ['a participant gets a pool role', 'changeUser', { user: 'bob', roles: ['auditor'] }, [0, 1, 0]],
      ['a wall goes up around its category', 'changeCategory', { category: 'c0', denied: { add: [bob] } }, [0, 1, 1]],
      ['a switch of its category changes', 'changeCategory', { category: 'c0', fileUpload: true }, [0, 1, 1]],
      ['a nested group of it changes', 'changeGroup', { group: 'g1', members: { add: [sip('dan')] } }, [1, 1, 1]],
      ['it is disabled', 'disableRoom', { room: 'r2' }, [0, 0, 1]],
      ['its privacy changes', 'changeRoom', { room: 'r0', privacy: 'open' }, [1, 0, 0]],
      ['its members do', 'changeRoles', { room: 'r0', role: 'member', change: { remove: [bob] } }, [1, 0, 0]],
      ['it moves', 'changeRoom', { room: 'r0', category: 'c0' }, [1, 0, 0]],
      ['only a user’s name changes', 'changeUser', { user: 'bob', displayName: 'Bob' }, [0, 0, 0]],
    ])('increments the rights version of a room when %s, and of no other', async (_, does, input, raised) => {
      const join: Step = { by: 'bob', does: 'join', input: { room: 'r1', session: 's1' } }
      await merging({ ours: [join], theirs: [{ by: 'admin', does, input }] }, async (pool, bringIn) => {
        const rights = async () => Promise.all(['r0', 'r1', 'r2'].map(async (name) => (await pool.room(name)).rights))
        const before = await rights()
        await bringIn()
        // A change of several lists may be recorded in more than one event.
        expect((await rights()).map((now, n) => Math.min(now - before[n]!, 1))).toEqual(raised)
      })
    })
  })

/** Imported chats are recorded as imported, not as posted now: `importedChats`. */
function withoutChats({ chats: _, ...state }: StateInTest): StateInTest {
  return state
}

async function exportTo({ db, clock }: PoolInTest, path: string): Promise<void> {
  const { stream, done } = await exportData({ db, clock, pool: 'one', domain: DOMAIN, by: 'admin', level: 'all' })
  await Promise.all([done, pipeline(stream, createWriteStream(path))])
}

async function importFrom(pool: PoolInTest, path: string): Promise<Changed[]> {
  const { db, clock, service, poolRoomId } = pool
  const told: Changed[] = []
  // Whatever their state by now.
  const again = { user: 'admin', disabled: false, roles: { add: ['administrator'] } } as const
  must(await pool.commands.changeUser(POOL, again))
  const actor = await pool.principal('admin')
  const file = await openDataFile(path)
  const origin = { name: 'pool-data.zip', sha256: '0'.repeat(64) }
  const who = { actor, by: 'admin', pool: 'two', dryRun: false, poolRoomId, origin }
  try {
    await importData(file, { db, clock, writer: service.writer, ...who, onChanged: (each) => told.push(each) })
  } finally {
    file.close()
  }
  return told
}
