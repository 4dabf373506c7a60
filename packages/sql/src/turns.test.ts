import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openDatabase } from './index.ts'
import { createTurns } from './turns.ts'

it('yields once a tick of the event loop has worked for four milliseconds', async () => {
  let now = 0
  const turns = createTurns({ now: () => now })
  const seen: string[] = []
  setImmediate(() => seen.push('the event loop went round'))

  for (let n = 1; n <= 5; n += 1) {
    await turns.take()
    seen.push(`statement ${n}`)
    now += 2
  }

  expect(seen).toEqual([
    'statement 1',
    'statement 2',
    'the event loop went round',
    'statement 3',
    'statement 4',
    'statement 5',
  ])
})

it('serves callers that wait for the next tick in order', async () => {
  let now = 0
  const turns = createTurns({ now: () => now })
  const seen: string[] = []
  const work = async (name: string) => {
    await turns.take()
    seen.push(name)
    now += 4
  }

  await Promise.all(['a', 'b', 'c', 'd'].map(work))

  expect(seen).toEqual(['a', 'b', 'c', 'd'])
})

it('yields between the slow statements of a chain on SQLite', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'hansard-turns-'))
  const db = openDatabase({ url: `sqlite:${join(directory, 'x.db')}` })
  let turns = 0
  let over = false
  const goRound = () => {
    turns += 1
    if (!over) setImmediate(goRound)
  }
  await db.knex.raw('select 1')
  setImmediate(goRound)

  // Each statement takes far longer than one tick may.
  for (let n = 0; n < 10; n += 1)
    await db.knex.raw(
      'with recursive n(i) as (select 1 union all select i + 1 from n where i < 60000) select max(i) from n',
    )
  over = true

  expect(turns).toBeGreaterThanOrEqual(9)
  await db.close()
  await rm(directory, { recursive: true })
})
