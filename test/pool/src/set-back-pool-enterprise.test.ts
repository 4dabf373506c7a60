import pg from 'pg'
import { expect, it } from 'vitest'
import { openAdmin } from './admin.ts'
import { type EnterprisePool, startEnterprisePool } from './enterprise-pool.ts'
import { nowhere, setBackAlarms, startTalker, verify } from './set-back-pool-in-test.ts'

/** Statements about whole databases, with every other session of the pool database ended first. */
async function withoutSessions(pool: EnterprisePool, ...statements: readonly string[]): Promise<void> {
  const client = new pg.Client({ connectionString: pool.postgres.url })
  await client.connect()
  try {
    await client.query('alter database pool allow_connections false')
    await client.query(`select pg_terminate_backend(pid) from pg_stat_activity where datname = 'pool'`)
    for (const statement of statements) await client.query(statement)
  } finally {
    await client.end()
  }
}

/** The pool database as a standby has it that lags: the copy takes the place of the original later. */
const fallBehind = (pool: EnterprisePool) =>
  withoutSessions(pool, 'create database standby template pool', 'alter database pool allow_connections true')

const promote = (pool: EnterprisePool) =>
  withoutSessions(pool, 'alter database pool rename to lost', 'alter database standby rename to pool')

/** What a process manager does: a service that has ended is started again. */
async function startEnded(pool: EnterprisePool): Promise<void> {
  const { admin, lookup, files, channels, relays, workers } = pool
  for (const service of [admin, lookup, files, ...channels, ...relays, ...workers])
    if (!service.running) await service.start().catch(() => undefined)
}

it('a lagging standby promoted under running services: no acknowledged chat is passed over', async () => {
  await using pool = await startEnterprisePool({ channelServices: 1, workers: 1 })
  const alice = await startTalker(await openAdmin(pool.server), () => pool.server)
  await alice.says('on both')
  await fallBehind(pool)
  await alice.says('in the last seconds of the primary')
  await (await openAdmin(pool.server)).request('seal')
  const pids = () => [pool.channels[0]!.pid, pool.lookup.pid]
  const before = pids()

  await promote(pool)
  // Each service finds less than it has recorded itself, and ends: it takes a new incarnation at its next start.
  await expect
    .poll(async () => {
      await startEnded(pool)
      const isNew = pids().every((pid, index) => pid !== before[index])
      return isNew && pool.channels[0]!.running && pool.lookup.running
    })
    .toBe(true)
  await alice.says('first on the standby', 'second on the standby')
  await startEnded(pool)
  const admin = await openAdmin(pool.server)
  await admin.request('seal')

  const { acknowledged } = alice
  expect(acknowledged).toHaveLength(4)
  expect(await nowhere(admin, { acknowledged, exports: pool.outputDirectory })).toEqual([])
  expect(await setBackAlarms(admin)).toContainEqual(
    expect.stringMatching(/numbers \d+ to \d+ of source channel-1\/1\/[0-9a-f]{32} are no longer in it/),
  )
  expect(await verify(pool.outputDirectory)).toMatchObject({ code: 0, stdout: expect.stringContaining('Good') })
})
