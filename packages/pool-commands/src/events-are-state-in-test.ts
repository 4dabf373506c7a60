import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openPlace, type PlaceInTest } from './pool-in-test.ts'
import { allSteps, clearOut, furnish, take } from './random-commands-in-test.ts'
import { deletionsByEvents, stateByEvents, stateByTables } from './state-in-test.ts'

const RUNS = { sqlite: 20, postgres: 10 } as const

export const eventsAreState = (dialect: 'sqlite' | 'postgres') =>
  describe.each([dialect])('any sequence of commands in a pool on %s', (dialect) => {
    let place: PlaceInTest
    beforeAll(async () => {
      place = await openPlace(dialect)
    })
    afterAll(() => place?.close())

    it('is recorded in events that imply the tables, and a deletion carries the final state', async () => {
      const done = new Set<string>()
      let deletions = 0
      await fc.assert(
        fc.asyncProperty(fc.array(allSteps, { minLength: 1, maxLength: 60, size: 'max' }), async (steps) => {
          const pool = await place.open()
          try {
            await furnish(pool)
            for (const [at, step] of steps.entries()) {
              if ((await take(pool, pool.service, step, at)) === 'done') done.add(step.does)
            }
            expect(stateByEvents(await pool.events())).toEqual(await stateByTables(pool.db))
            await clearOut(pool)
            const events = await pool.events()
            expect(stateByEvents(events)).toEqual(await stateByTables(pool.db))
            const { told, was } = deletionsByEvents(events)
            expect(told).toEqual(was)
            deletions += told.length
          } finally {
            await pool.close()
          }
        }),
        { numRuns: RUNS[dialect] },
      )
      // If every command were refused, the property would hold trivially.
      expect(done.size).toBeGreaterThan(15)
      expect(deletions).toBeGreaterThan(5)
    })
  })
