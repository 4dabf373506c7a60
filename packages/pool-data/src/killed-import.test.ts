import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { FileStores } from '@hansard/file-store'
import { endedFiles } from '@hansard/pool-store'
import { newRoomUri } from '@hansard/rooms'
import { type SharedPostgres, sharePostgres } from '@hansard/test-servers'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { addChats, addFile, fillPool } from './fill-pool-in-test.ts'
import type { DataReport } from './index.ts'
import { DOMAIN, dataOfZip, NOW, openPoolInTest, type PoolInTest } from './pool-in-test.ts'

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

  it('finishes when it is restarted, like one that was not killed', async () => {
    const calm = await openPoolInTest(dialect, 'two')
    const killed = await openPoolInTest(dialect, 'two')
    try {
      const expected = await calm.importFrom(zip)
      // On SQLite only one process at a time has the file open: the importing one.
      await killed.db.close()
      let clock = 0
      let kills = 0
      let report: DataReport | undefined
      for (const after of [1, 2, 5, 9, 3, 6, 4, 8, 100]) {
        // Past the lease of the previous run.
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

type Until = {
  readonly clock: number
  readonly /** after this many batches */ after?: number
  /** in the middle of the n-th copy of a file into a store of this directory */
  readonly copy?: { readonly n: number; readonly directory: string }
}

/** Kills the import; returns the report if it finished before. */
async function importUntil(url: string, zip: string, { clock, after, copy }: Until): Promise<DataReport | undefined> {
  const stores = copy ? [copy.directory, String(copy.n)] : []
  const args = ['--conditions=@hansard/source', CHILD, url, zip, String(clock), ...stores]
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'pipe'] })
  const closed = once(child, 'close')
  let complaints = ''
  child.stderr.on('data', (piece) => {
    complaints += String(piece)
  })
  let batches = 0
  let report: DataReport | undefined
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith('done ')) report = JSON.parse(line.slice(5)) as DataReport
    else if (line === 'held' || ++batches === after) child.kill('SIGKILL')
  }
  const [code, signal] = (await closed) as [number | null, string | null]
  if (code !== 0 && signal !== 'SIGKILL') throw new Error(complaints)
  return report
}

describe.each(['sqlite', 'postgres'] as const)(
  'an import of files into %s that is killed while it copies a file',
  (dialect) => {
    let server: SharedPostgres | undefined
    beforeAll(async () => {
      if (dialect === 'postgres') server = await sharePostgres()
    })
    afterAll(() => server?.stop())
    let directory: string
    let one: PoolInTest
    let two: PoolInTest
    let stores: FileStores
    let bare: string
    let full: string
    const contents = [Buffer.alloc(300_000, 'a'), Buffer.alloc(300_000, 'b')]
    let names: string[]
    beforeEach(async () => {
      directory = mkdtempSync(join(tmpdir(), 'hansard-kill-'))
      one = await openPoolInTest('sqlite', 'one')
      two = await openPoolInTest(dialect, 'two', server)
      stores = await two.fileStores()
      const { knex } = one.db
      const [{ id: category }] = await knex('category').select('id')
      const row = { uri: newRoomUri(DOMAIN), name: 'desk', category_id: category, privacy: 'open', created_at: NOW }
      const [{ id: roomId }] = await knex('room').insert(row).returning('id')
      const common = { knex, stores: await one.fileStores(), roomId, principalId: one.admin.id, name: 'a.bin' }
      names = []
      for (const bytes of contents) names.push(await addFile({ ...common, bytes }))
      bare = join(directory, 'bare.zip')
      full = join(directory, 'full.zip')
      await one.exportTo(bare)
      await one.exportTo(full, { fileStore: common.stores.files })
    })
    afterEach(async () => {
      await one.close()
      await two.close().catch(() => {})
      await rm(directory, { recursive: true, force: true })
    })

    it.each(['are new', 'are on record without their bytes'])(
      'has each file once, with its bytes, when they %s',
      async (what) => {
        const known = what !== 'are new'
        if (known) await two.importFrom(bare, { fileStores: stores })
        await two.db.close()
        let clock = 0
        const until = (n: number) => {
          clock += 120_000
          return importUntil(two.url, full, { clock, copy: { n, directory: two.directory } })
        }
        // Two files, two stores: what the previous run stored is not copied again.
        for (const n of [1, 1, 2, 2]) expect(await until(n)).toBeUndefined()
        const dead = await stores.files.incomingIds()
        const report = await until(0)

        const again = await reopen(two)
        try {
          expect(report?.problems).toEqual([])
          expect(report?.counts).toMatchObject({
            files: known ? { same: 2 } : { made: 2 },
            'bytes of files': { made: 2 },
          })
          const rows: { stored_name: string; size: number; sha256: string }[] = await again.db.knex('file')
          expect(rows.map((row) => row.stored_name).sort()).toEqual(names.toSorted())
          for (const { stored_name: name, size, sha256 } of rows)
            for (const store of Object.values(stores)) expect(await store.digest(name)).toEqual({ size, sha256 })
          const told = (await again.events()).flatMap((event) =>
            event.kind === 'change' ? [event.after['importedFiles']] : [],
          )
          expect(told.filter((count) => count !== undefined)).toEqual([2])
          // The sweep removes the half-copied files of dead processes.
          expect(dead).not.toEqual([])
          expect(await endedFiles(again.db.knex, dead, NOW + 1)).toEqual(dead)
        } finally {
          await again.db.close()
        }
      },
      120_000,
    )
  },
)

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
