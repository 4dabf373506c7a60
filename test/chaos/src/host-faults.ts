import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { systemClock } from '@hansard/clock'
import type { Admin, EnterprisePool, Random, ServiceProcess } from '@hansard/test-pool'
import { Redis } from 'ioredis'
import type { Fault } from './faults.ts'
import { seal } from './seal.ts'

/** Faults of machines: clocks that are set, hosts that vanish, processes frozen for long, disks that lose bytes. */

const HOUR_MS = 3_600_000
const STEPS_MS = [3 * HOUR_MS, -3 * HOUR_MS, 24 * HOUR_MS, -24 * HOUR_MS, 20_000, -20_000]
/** A frozen source may be declared dead after ten seconds of silence. */
const DECLARED_DEAD_AFTER_MS = 11_000

const setClocks = (
  name: string,
  which: (pool: EnterprisePool, random: Random) => readonly ServiceProcess[],
): Fault => ({
  name,
  async strike(pool, random) {
    const victims = which(pool, random)
    const step = random.pick(STEPS_MS)
    for (const victim of victims) victim.setClock(step)
    return async () => {
      for (const victim of victims) victim.setClock(0)
    }
  },
})

/** Freezes a service for longer than its silence may last; it is declared dead and replaced, and then it wakes. */
const frozenForLong = (
  name: string,
  source: (victim: ServiceProcess) => string | undefined,
  which: (pool: EnterprisePool, random: Random) => ServiceProcess,
): Fault => ({
  name,
  async strike(pool, random, { admin, progress, frozenMsMax }) {
    const victim = which(pool, random)
    victim.pause()
    const named = source(victim)
    const lastsMs = DECLARED_DEAD_AFTER_MS + random.below(Math.max(1, frozenMsMax - DECLARED_DEAD_AFTER_MS))
    const thawing = systemClock.sleep(lastsMs)
    try {
      // The others go on without it.
      await progress()
      if (named === undefined) {
        await seal(admin)
      } else {
        await systemClock.sleep(DECLARED_DEAD_AFTER_MS)
        await admin.ask('declareDead', { source: named })
        await progress()
        await seal(admin)
      }
      await thawing
    } finally {
      victim.resume()
    }
    return async () => {
      if (named === undefined) return
      // It was fenced and has ended or is about to.
      await victim.kill()
      await victim.start()
    }
  },
})

export const HOST_FAULTS: readonly Fault[] = [
  setClocks('set the clock of a channel service', (pool, random) => [random.pick(pool.channels)]),
  setClocks('set the clocks of both channel services', (pool) => pool.channels),
  setClocks('set the clocks of the relays and the workers', (pool) => [...pool.relays, ...pool.workers]),
  setClocks('set every clock but the database’s', (pool) => [
    pool.lookup,
    pool.admin,
    pool.files,
    ...pool.channels,
    ...pool.relays,
    ...pool.workers,
  ]),
  frozenForLong(
    'freeze a channel service until it is declared dead',
    ({ name }) => name,
    (pool, random) => random.pick(pool.channels),
  ),
  frozenForLong(
    'freeze the file service until it is declared dead',
    ({ name }) => name,
    (pool) => pool.files,
  ),
  frozenForLong(
    'freeze a worker for long',
    () => undefined,
    (pool, random) => random.pick(pool.workers),
  ),
  frozenForLong(
    'freeze a relay for long',
    () => undefined,
    (pool, random) => random.pick(pool.relays),
  ),
  {
    name: 'a host vanishes without closing its connections',
    async strike(pool, _random, { progress }) {
      const host = pool.secondHost!
      const victims = [pool.channels[1]!, pool.relays[1]!, pool.workers[1]!]
      host.vanish()
      await Promise.all(victims.map((victim) => victim.kill()))
      // The others go on although the database still has its connections, and what they have locked.
      await progress()
      return async () => {
        host.comeBack()
        await Promise.all(victims.map((victim) => victim.start()))
      }
    },
  },
  {
    name: 'PostgreSQL is read-only',
    async strike({ postgres }) {
      await postgres.setParameter('default_transaction_read_only', 'on')
      return () => postgres.setParameter('default_transaction_read_only', undefined)
    },
  },
  {
    name: 'Redis becomes a replica, and is promoted again',
    async strike({ redis }) {
      const client = new Redis(redis.url)
      // Nothing listens there: it keeps what it has and takes no writes.
      await client.replicaof('127.0.0.1', 1)
      return async () => {
        await client.replicaof('no', 'one')
        client.disconnect()
      }
    },
  },
  damaged('a sealed file disappears', (file) => rmSync(file)),
  damaged('a bit of a sealed file flips', (file, random) => {
    const bytes = readFileSync(file)
    const at = random.below(bytes.length)
    bytes[at] = bytes[at]! ^ (1 << random.below(8))
    writeFileSync(file, bytes)
  }),
  damaged('bytes are appended to a sealed file', (file) => appendFileSync(file, '\n')),
]

/** Harms a file of a sealed export: a check names it, and a restore writes the sealed bytes again. */
function damaged(name: string, harm: (file: string, random: Random) => void): Fault {
  return {
    name,
    async strike(_pool, random, { admin }) {
      const sealed = (await admin.ask('listExports')).exports.filter(({ state }) => state === 'sealed')
      if (sealed.length === 0) return async () => {}
      const { adapter, number } = random.pick(sealed)
      const { directory, files } = await admin.ask('showExport', undefined, { adapter, number })
      if (files.length === 0) return async () => {}
      const file = random.pick(files.toSorted((a, b) => (a.name < b.name ? -1 : 1)))
      const path = join(directory, file.name)
      const before = readFileSync(path)
      harm(path, random)
      await namesTheFile(admin, file.name)
      return async () => {
        await admin.request('restoreExport', { adapter, number })
        if (!readFileSync(path).equals(before)) throw new Error(`${path} was not restored to its sealed bytes.`)
        await admin.request('checkExports')
        const { alarms } = await admin.ask('status')
        const still = alarms.find((alarm) => alarm.includes(file.name))
        if (still !== undefined) throw new Error(`A restored file is still named: ${still}`)
      }
    },
  }
}

async function namesTheFile(admin: Admin, name: string): Promise<void> {
  const { damaged } = (await admin.request('checkExports')) as { damaged: readonly { name: string }[] }
  if (!damaged.some((one) => one.name === name)) throw new Error(`\`exports check\` does not name ${name}.`)
  const { alarms } = await admin.ask('status')
  if (!alarms.some((alarm) => alarm.includes(name))) throw new Error(`No alarm names ${name}.`)
}
