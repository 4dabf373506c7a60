import { ManualClock } from '@hansard/clock'
import { type Database, type Lease, takeLease } from '@hansard/sql'
import { type SharedPostgres, sharePostgres } from '@hansard/test-servers'
import { afterAll, afterEach, beforeAll, beforeEach, describe } from 'vitest'
import {
  bindEvents,
  closeInterval,
  EXPORTER_LEASE,
  type Export,
  exportEvents,
  nextUnsealed,
  numberExports,
  openInterval,
  previousManifest,
  registerAdapters,
  sealExport,
} from './index.ts'
import { COMPLIANCE } from './testing/databases-in-test.ts'
import { compliancePostgres, complianceSqlite, scriptedPool } from './testing/index.ts'

export const MINUTE = 60_000
export const T0 = Date.UTC(2026, 10, 20, 23, 15)
export const T1 = T0 + MINUTE
export const T2 = T1 + MINUTE
export const T3 = T2 + MINUTE

/** Each test gets a compliance database of its own, and what it does there: `exportsOn()` returns them. */
export const describeExports = (title: string, tests: (exportsOn: () => ExportsInTest) => void) =>
  describe.each(['sqlite', 'postgres'] as const)(`${title} on %s`, (dialect) => {
    let server: SharedPostgres | undefined
    let current: ExportsInTest
    beforeAll(async () => {
      if (dialect === 'postgres') server = await sharePostgres()
    })
    afterAll(() => server?.stop())
    beforeEach(async () => {
      const db = server
        ? await compliancePostgres(await server.createDatabase('exports', COMPLIANCE))
        : await complianceSqlite()
      const lease = (await takeLease(db, {
        name: EXPORTER_LEASE,
        holder: 'w1',
        clock: new ManualClock(T0),
        ttlMs: 10_000,
      }))!
      await registerAdapters(db, lease, [{ name: 'xml' }])
      current = exportsIn(db, lease)
    })
    afterEach(() => current.db.close())
    tests(() => current)
  })

type ExportsInTest = ReturnType<typeof exportsIn>

function exportsIn(db: Database, lease: Lease) {
  const close = async () => {
    const interval = (await openInterval(db, { runIntervalMs: MINUTE }))!
    return closeInterval(db, lease, { interval, now: interval.endsAt })
  }
  const texts = async (planned: Export) => {
    const found: string[] = []
    for await (const event of exportEvents(db, planned.id))
      found.push(event.kind === 'chat' ? event.content : event.kind)
    return found
  }
  /** Plans the adapter's next export, returns it with its texts, and seals it with a made-up manifest. */
  const plan = async (adapter = 'xml') => {
    while (await numberExports(db, lease, { adapter, now: T3 })) {}
    const next = await nextUnsealed(db, adapter)
    if (!next) return undefined
    const planned = await bindEvents(db, lease, next)
    const sha256 = `${adapter}${planned.number}`
    const manifest = { name: `m${planned.number}`, role: 'manifest' as const, size: 1, sha256, events: 0 }
    const previousManifestSha256 = await previousManifest(db, planned)
    const found = { ...planned, texts: await texts(planned) }
    await sealExport(db, lease, { exportId: planned.id, files: [manifest], previousManifestSha256, now: T3 })
    return found
  }
  const summary = (found: Awaited<ReturnType<typeof plan>>) =>
    found && `${found.number} ${found.kind} ${(found.startsAt - T0) / MINUTE} ${found.texts.join(',')}`
  return { db, lease, pool: scriptedPool(), close, texts, plan, summary }
}
