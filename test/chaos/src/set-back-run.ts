import { cpSync, existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '@hansard/clock'
import {
  type Admin,
  type EnterprisePool,
  openAdmin,
  type Random,
  readExports,
  seeded,
  startEnterprisePool,
  startStandardPool,
} from '@hansard/test-pool'
import { verdict } from './checks.ts'
import type { ChaosResult } from './enterprise-run.ts'
import { keepLogs } from './keep-logs.ts'
import { type LoggedPost, startTalkers } from './talkers.ts'

const PROGRESS_MS = 90_000
/** A machine that runs many pools at once takes a minute to close and export an interval. */
const SEAL_MS = 180_000
/** Source progress is taken and staged once a second. */
const REPORTED_WITHIN_MS = 3_000

const DATABASES = ['pool', 'compliance'] as const
type Which = readonly (typeof DATABASES)[number][]
const CHOICES: readonly Which[] = [['pool'], ['compliance'], ['pool', 'compliance']]

/** A pool whose databases can be set back to what they were. */
type Subject = AsyncDisposable & {
  readonly server: string
  readonly exports: string
  /** the directory of the services' logs, if there is one */
  readonly logs?: string
  backup(): Promise<void>
  /** `running`: the services live on while it happens, where the edition allows that. */
  setBack(which: Which, running: boolean): Promise<void>
  /** Starts again what has ended by itself. */
  startEnded(): Promise<void>
  /** the services share a machine and a directory with their databases, and never live on without them */
  readonly alwaysStopped: boolean
}

/**
 * The second law: whenever the verifier says Good, the packages hold every acknowledged chat.
 *
 * A database that is set back may lose chats, if they were in no other place. Then the product has to say so: the
 * verifier does not say Good, and the status names at least as many lost numbers as there are chats missing. Each round
 * has a pool of its own, because one that has lost something says so for days.
 */
export async function setBackRun(options: {
  seed: number
  rounds: number
  report: (line: string) => void
  edition: 'enterprise' | 'standard'
}): Promise<ChaosResult> {
  const { seed, rounds, report, edition } = options
  const random = seeded(seed)
  const breaches: string[] = []
  let chats = 0
  let round = 0
  for (round = 1; round <= rounds && breaches.length === 0; round += 1) {
    const which = random.pick(CHOICES)
    const running = random.chance(0.5)
    await using pool = edition === 'enterprise' ? await enterprise() : await standard()
    const how = running && !pool.alwaysStopped ? 'under running services' : 'between two starts'
    report(`round ${round}/${rounds}: set back the ${which.join(' and the ')} database ${how}`)
    try {
      const told = await oneRound(pool, { which, running, random, seed: seed * 100 + round })
      chats += told.chats
      report(`  ${told.chats} chats, ${told.missing} missing, ${told.named} numbers named as lost; ${told.verdict}`)
      breaches.push(...told.breaches)
    } catch (error) {
      breaches.push(`the ${which.join(' and the ')} database ${how}: ${error instanceof Error ? error.message : error}`)
    }
    if (breaches.length > 0 && pool.logs !== undefined) report(`logs are kept: ${keepLogs(pool.logs, seed)}`)
  }
  return { rounds: round - 1, chats, breaches }
}

async function oneRound(
  pool: Subject,
  { which, running, random, seed }: { which: Which; running: boolean; random: Random; seed: number },
) {
  const admin = await openAdmin(pool.server)
  const talkers = await startTalkers({ server: () => pool.server, admin, seed, talkers: 3, rooms: 2 })
  await talkers.progress(3, PROGRESS_MS)
  if (random.chance(0.5)) await admin.request('seal', {}, SEAL_MS)
  await pool.backup()
  await talkers.progress(1 + random.below(4), PROGRESS_MS)
  if (random.chance(0.5)) await admin.request('seal', {}, SEAL_MS)
  await talkers.progress(1, PROGRESS_MS)
  if (!running || pool.alwaysStopped) {
    // Where no service lives on, nobody knows what was recorded since the last source progress.
    await talkers.hush(PROGRESS_MS)
    await systemClock.sleep(REPORTED_WITHIN_MS)
  }
  await pool.setBack(which, running)
  await pool.startEnded()
  talkers.talk()
  await talkers.progress(2, PROGRESS_MS)
  await talkers.close()
  await pool.startEnded()

  const again = await openAdmin(pool.server)
  const sealed = await again.request('seal', {}, SEAL_MS).then(
    () => true,
    () => false,
  )
  const missing = await missingFrom(pool.exports, talkers.log)
  const said = await verdict(pool.exports)
  const named = await namedAsLost(again)
  const breaches: string[] = []
  if (said.good && missing.length > 0)
    breaches.push(`the verifier says Good, and ${missing.length} chats are missing (${named} named): ${missing[0]}`)
  if (sealed && missing.length > named)
    breaches.push(`\`seal\` is done, and ${missing.length} chats are missing (${named} named): ${missing[0]}`)
  const chats = talkers.log.filter(({ chat }) => chat !== undefined).length
  return { chats, missing: missing.length, named, verdict: said.good ? 'Good' : 'not Good', breaches }
}

async function missingFrom(exports: string, log: readonly LoggedPost[]): Promise<string[]> {
  const exported = new Set((await readExports(join(exports, 'xml'))).map(({ room, content }) => `${room} ${content}`))
  return log
    .filter(({ chat, room, text }) => chat !== undefined && !exported.has(`${room} ${text}`))
    .map(({ text }) => text)
}

/** How many numbers the alarms name as lost, or as set aside. */
async function namedAsLost(admin: Admin): Promise<number> {
  const { alarms } = await admin.ask('status')
  const counts = alarms.flatMap((alarm) => {
    const lost = /; (\d+) are lost/.exec(alarm) ?? /(\d+) texts that differ are in quarantine/.exec(alarm)
    return lost ? [Number(lost[1])] : []
  })
  return counts.reduce((sum, count) => sum + count, 0)
}

async function enterprise(): Promise<Subject> {
  const pool = await startEnterprisePool({
    channelServices: 2,
    relays: 1,
    workers: 1,
    env: { HANSARD_CHANNEL_DECLARE_DEAD_AFTER_SECONDS: '10' },
  })
  const services = () => servicesOf(pool)
  return {
    server: pool.server,
    exports: pool.outputDirectory,
    logs: pool.logs,
    alwaysStopped: false,
    backup: () =>
      pool.postgres.offline(async (client) => {
        for (const name of DATABASES) await client.query(`create database ${name}_backup template ${name}`)
      }),
    async setBack(which, running) {
      if (!running) await Promise.all(services().map((service) => service.kill()))
      await pool.postgres.offline(async (client) => {
        for (const name of which) {
          await client.query(`drop database ${name}`)
          await client.query(`create database ${name} template ${name}_backup`)
        }
      })
    },
    async startEnded() {
      // A service that finds its database set back ends by itself, within a few heartbeats.
      if (!services().some(({ running }) => !running)) await systemClock.sleep(ENDS_WITHIN_MS)
      for (const service of services()) if (!service.running) await service.start()
    },
    [Symbol.asyncDispose]: () => pool.stop(),
  }
}

const ENDS_WITHIN_MS = 4_000

const servicesOf = (pool: EnterprisePool) => [
  pool.admin,
  pool.lookup,
  pool.files,
  ...pool.channels,
  ...pool.relays,
  ...pool.workers,
]

async function standard(): Promise<Subject> {
  const pool = await startStandardPool()
  const files = (which: readonly string[]) =>
    which.flatMap((name) => ['', '-wal', '-shm'].map((end) => `${name}.db${end}`))
  const copy = (from: string, to: string, which: readonly string[]) => {
    for (const file of files(which)) {
      rmSync(join(to, file), { force: true })
      if (existsSync(join(from, file))) cpSync(join(from, file), join(to, file))
    }
  }
  const backup = `${pool.data}-backup`
  return {
    get server() {
      return pool.server
    },
    exports: pool.exports,
    alwaysStopped: true,
    async backup() {
      await pool.process.stop()
      rmSync(backup, { recursive: true, force: true })
      cpSync(pool.data, backup, { recursive: true })
      await pool.restart()
    },
    async setBack(which) {
      await pool.process.kill()
      copy(backup, pool.data, which)
      await pool.restart()
    },
    async startEnded() {},
    async [Symbol.asyncDispose]() {
      await pool[Symbol.asyncDispose]()
      for (const directory of [pool.data, backup]) rmSync(directory, { recursive: true, force: true })
    },
  }
}
