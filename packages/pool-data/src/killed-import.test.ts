import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { addChats, fillPool } from './fill-pool-in-test.ts'
import type { DataReport } from './index.ts'
import { dataOfZip, openPoolInTest, type PoolInTest } from './pool-in-test.ts'

const CHILD = fileURLToPath(new URL('import-in-child.ts', import.meta.url))

describe.each(['sqlite', 'postgres'] as const)('an import into %s that is killed', (dialect) => {
  let directory: string
  let one: PoolInTest
  let zip: string
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'hansard-kill-'))
    zip = join(directory, 'one.zip')
    one = await openPoolInTest('sqlite', 'one')
    const { desk } = await fillPool(one)
    await addChats(
      one.db.knex,
      desk,
      [one.admin.id],
      Array.from({ length: 3_000 }, (_, n) => `chat ${n}`),
    )
    await one.exportTo(zip)
  })
  afterAll(async () => {
    await one?.close()
    await rm(directory, { recursive: true, force: true })
  })

  it('finishes when it is begun again, as one that nobody killed', async () => {
    const calm = await openPoolInTest(dialect, 'two')
    const killed = await openPoolInTest(dialect, 'two')
    try {
      const expected = await calm.importFrom(zip)
      // On SQLite only one process at a time has the file open: the one that imports.
      await killed.db.close()
      let clock = 0
      let kills = 0
      let report: DataReport | undefined
      for (const after of [1, 2, 5, 9, 3, 6, 4, 8, 100]) {
        // Beyond the lease of the one before.
        clock += 120_000
        report = await importUntil(killed.url, zip, { clock, after })
        if (report) break
        kills += 1
      }

      expect(kills).toBeGreaterThan(3)
      expect({ ...report, at: '' }).toEqual({ ...expected, at: '' })
      const again = await reopen(killed)
      const out = join(directory, `${dialect}.zip`)
      await again.exportTo(out)
      expect(await dataOfZip(out)).toEqual(await dataOfZip(zip))
      expect(await importedChats(again)).toBe(await importedChats(calm))
      await again.db.close()
    } finally {
      await calm.close()
      await killed.close().catch(() => {})
    }
  }, 120_000)
})

/** Kills the import after so many batches; the report when it was done before. */
async function importUntil(
  url: string,
  zip: string,
  { clock, after }: { clock: number; after: number },
): Promise<DataReport | undefined> {
  const args = ['--conditions=@hansard/source', CHILD, url, zip, String(clock)]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const closed = once(child, 'close')
  let complaints = ''
  child.stderr.on('data', (piece) => {
    complaints += String(piece)
  })
  let batches = 0
  let report: DataReport | undefined
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith('done ')) report = JSON.parse(line.slice(5)) as DataReport
    else if (++batches === after) child.kill('SIGKILL')
  }
  const [code, signal] = (await closed) as [number | null, string | null]
  if (code !== 0 && signal !== 'SIGKILL') throw new Error(complaints)
  return report
}

async function reopen({ url }: PoolInTest) {
  const { openPoolAt } = await import('./pool-in-test.ts')
  return openPoolAt(url, 'two')
}

async function importedChats(pool: Pick<PoolInTest, 'events'>): Promise<number> {
  let count = 0
  for (const event of await pool.events())
    if (event.kind === 'change') count += Number(event.after['importedChats'] ?? 0)
  return count
}
