import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '@hansard/clock'
import type { Envelope } from '@hansard/compliance-event'
import { silentLog } from '@hansard/log'
import { openBullTransport } from '@hansard/queue'
import type { Admin, EnterprisePool, Random, ServiceProcess } from '@hansard/test-pool'
import { Redis } from 'ioredis'
import pg from 'pg'
import { HOST_FAULTS } from './host-faults.ts'

/** A fault, and how it is repaired. */
export type Fault = {
  readonly name: string
  strike(pool: EnterprisePool, random: Random, during: During): Promise<() => Promise<void>>
}
/** What a fault may do and demand while it lasts. */
export type During = {
  readonly admin: Admin
  /** every talker gets on although the fault lasts */
  progress(): Promise<void>
  /** the longest that a process is frozen, in milliseconds */
  readonly frozenMsMax: number
}

const killed = (name: string, which: (pool: EnterprisePool, random: Random) => readonly ServiceProcess[]): Fault => ({
  name,
  async strike(pool, random) {
    const victims = which(pool, random)
    await Promise.all(victims.map((victim) => victim.kill()))
    return async () => void (await Promise.all(victims.map((victim) => victim.start())))
  },
})

const paused = (name: string, which: (pool: EnterprisePool, random: Random) => ServiceProcess): Fault => ({
  name,
  async strike(pool, random) {
    const victim = which(pool, random)
    victim.pause()
    return async () => victim.resume()
  },
})

export const FAULTS: readonly Fault[] = [
  ...HOST_FAULTS,
  killed('kill a channel service', (pool, random) => [random.pick(pool.channels)]),
  killed('kill both channel services', (pool) => pool.channels),
  killed('kill the relay', (pool, random) => [random.pick(pool.relays)]),
  killed('kill a worker', (pool, random) => [random.pick(pool.workers)]),
  killed('kill every worker', (pool) => pool.workers),
  killed('kill the lookup service', (pool) => [pool.lookup]),
  killed('kill the admin API', (pool) => [pool.admin]),
  killed('kill the file service', (pool) => [pool.files]),
  killed('kill every process of ours', (pool) => [
    pool.lookup,
    pool.admin,
    pool.files,
    ...pool.channels,
    ...pool.relays,
    ...pool.workers,
  ]),
  paused('freeze a channel service', (pool, random) => random.pick(pool.channels)),
  paused('freeze the admin API', (pool) => pool.admin),
  paused('freeze the relay', (pool, random) => random.pick(pool.relays)),
  paused('freeze a worker', (pool, random) => random.pick(pool.workers)),
  {
    name: 'start a twin of a frozen channel service, then wake the zombie',
    async strike(pool, random) {
      const index = random.below(pool.channels.length)
      const zombie = pool.channels[index]!
      zombie.pause()
      const twin = await pool.twinOfChannel(index)
      await twin.start()
      return async () => {
        zombie.resume()
        await twin.kill()
        // It was fenced and has ended or is about to; its successor takes the next epoch.
        await zombie.kill()
        await zombie.start()
      }
    },
  },
  {
    name: 'kill Redis',
    async strike({ redis }) {
      await redis.kill()
      return () => redis.restart()
    },
  },
  {
    name: 'wipe Redis',
    async strike({ redis }) {
      const client = new Redis(redis.url)
      await client.flushall()
      client.disconnect()
      return async () => {}
    },
  },
  {
    name: 'kill PostgreSQL',
    async strike({ postgres }) {
      await postgres.kill()
      return () => postgres.restart()
    },
  },
  {
    name: 'fill the output disk',
    async strike(pool) {
      const filler = join(pool.outputDirectory, 'filler.bin')
      mkdirSync(pool.outputDirectory, { recursive: true })
      try {
        execFileSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=64k', 'count=8192'], { stdio: 'ignore' })
      } catch {
        // dd fails when the disk is full, as intended.
      }
      return async () => rmSync(filler, { force: true })
    },
  },
  {
    name: 'put something that is no directory where the output belongs',
    async strike(pool) {
      const adapter = join(pool.outputDirectory, 'xml')
      const away = join(pool.outputDirectory, 'xml-away')
      execFileSync('sh', ['-c', `mkdir -p "$1" && mv "$1" "$2"`, 'sh', adapter, away])
      writeFileSync(adapter, 'not a directory')
      return async () => {
        execFileSync('sh', ['-c', `rm -rf "$1" && mv "$2" "$1"`, 'sh', adapter, away])
      }
    },
  },
  {
    name: 'repeat and reorder what the relay sent',
    async strike(pool, random) {
      const envelopes = await someEnvelopes(pool, random)
      const transport = openBullTransport({ redisUrl: pool.redis.url, pool: 'test-pool', log: silentLog })
      try {
        await transport.send([...envelopes, ...envelopes].sort(() => random.below(3) - 1))
      } finally {
        await transport.close()
      }
      return async () => {}
    },
  },
]

/** Ranges of staged events and of events still in the outbox, cut into new envelopes. */
async function someEnvelopes(pool: EnterprisePool, random: Random): Promise<Envelope[]> {
  const client = new pg.Client({ connectionString: pool.poolDatabaseUrl })
  const compliance = new pg.Client({ connectionString: pool.complianceDatabaseUrl })
  await Promise.all([client.connect(), compliance.connect()])
  try {
    const columns = 'source, epoch::int, seq::int, at::float8 as at, body, head'
    const waiting = await client.query(`select ${columns} from outbox order by source, epoch, seq limit 400`)
    const staged = await compliance.query(
      `select s.name as source, s.epoch::int, seq::int, at::float8 as at, body, e.head
       from staged_event e join source s on s.id = e.source_id order by at desc limit 400`,
    )
    const envelopes: Envelope[] = []
    for (const row of [...waiting.rows, ...staged.rows]) {
      const { source, epoch, ...event } = row
      if (random.chance(0.3)) envelopes.push({ kind: 'events', source, epoch, events: [event] })
    }
    return envelopes
  } finally {
    await Promise.all([client.end(), compliance.end()])
  }
}

/** How long a fault lasts before it is repaired. */
export async function endure(random: Random): Promise<void> {
  await systemClock.sleep(100 + random.below(1_400))
}
