import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AdapterSetting, openXsltEngine } from '@hansard/adapter'
import { systemClock } from '@hansard/clock'
import { silentLog } from '@hansard/log'
import { openInlineTransport } from '@hansard/queue'
import type { Database } from '@hansard/sql'
import { listExports, recordRollCall, stageEvents } from '@hansard/staging'
import { compliancePostgres, scriptedPool } from '@hansard/staging/testing'
import { startPostgres, startRedis } from '@hansard/test-servers'
import { describe, expect, it } from 'vitest'
import { ADAPTERS } from './adapter-settings.ts'
import { replayExport } from './replay-export.ts'
import { startComplianceWorker } from './service.ts'

const MINUTE = 60_000
const T0 = Date.UTC(2026, 10, 20, 23, 15)
const INTERVALS = 6
const KILLS_MAX = 5
const options = {
  addChatRoomDetails: true,
  addUserDetails: true,
  createFileAttachmentsManifest: true,
  eventsPerFileMax: 40,
}
const SETTINGS: readonly AdapterSetting[] = [
  { name: 'xml', adapter: 'xml', oneChatRoomPerOutputFile: false, ...options },
  { name: 'extended', adapter: 'xml-extended', oneChatRoomPerOutputFile: true, ...options },
]

/** The same minutes of talk, staged. */
async function stageTalk(db: Database): Promise<void> {
  const pool = scriptedPool()
  const sources = ['chat-1', 'chat-2'].map((name) => pool.source(name, { startedAt: T0 }))
  for (const source of sources) source.joins('desk', `${source.name}-alice`, T0 + 1)
  for (let n = 0; n < INTERVALS * 200; n++) {
    sources[n % 2]!.says(
      n % 3 ? 'desk' : `room ${n % 7}`,
      'alice',
      `chat ${n}`,
      T0 + 2 + Math.floor((n * MINUTE) / 200),
    )
  }
  for (const source of sources) {
    source.reports(T0 + INTERVALS * MINUTE)
    await stageEvents(db, source.envelope(), T0)
  }
  await recordRollCall(db, pool.rollCall(T0 + INTERVALS * MINUTE))
}

async function filesBelow(directory: string): Promise<Map<string, string>> {
  const names = await readdir(directory, { recursive: true, withFileTypes: true })
  const files = names.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  return new Map(
    await Promise.all(
      files.sort().map(async (file) => [file.slice(directory.length), await readFile(file, 'utf8')] as const),
    ),
  )
}

describe('workers as processes', () => {
  it('come to the same bytes however often and wherever they are killed', { timeout: 120_000 }, async () => {
    await using postgres = await startPostgres()
    await using redis = await startRedis()
    const directory = await mkdtemp(join(tmpdir(), 'hansard-killed-'))
    const settings = join(directory, 'adapters.json')
    await writeFile(settings, JSON.stringify(SETTINGS))
    const killedDb = await compliancePostgres(await postgres.createDatabase('killed'))
    const calmDb = await compliancePostgres(await postgres.createDatabase('calm'))
    await stageTalk(killedDb)
    await stageTalk(calmDb)

    const spawnWorker = async (name: string): Promise<ChildProcess> => {
      const child = spawn(process.execPath, ['--conditions=@hansard/source', join(import.meta.dirname, 'main.ts')], {
        stdio: ['ignore', 'pipe', 'inherit'],
        env: {
          ...process.env,
          HANSARD_COMPLIANCE_DATABASE_URL: killedDb.url,
          HANSARD_REDIS_URL: redis.url,
          HANSARD_OUTPUT_DIRECTORY: join(directory, 'killed'),
          HANSARD_RUN_INTERVAL: '1m',
          HANSARD_ADAPTERS_FILE: settings,
          HANSARD_WORKER_NAME: name,
          HANSARD_WORKER_TICK_MS: '50',
          HANSARD_WORKER_LEASE_MS: '1000',
          HANSARD_LOG_LEVEL: 'fatal',
        },
      })
      await once(child.stdout!, 'data')
      return child
    }
    const sealed = async () => (await listExports(killedDb, { limit: 100 })).filter((e) => e.state === 'sealed').length

    let kills = 0
    for (; (await sealed()) < 2 * INTERVALS && kills < KILLS_MAX; kills++) {
      const workers = await Promise.all([spawnWorker('w1'), spawnWorker('w2')])
      await systemClock.sleep(100 + ((kills * 137) % 500))
      const gone = workers.map((worker) => once(worker, 'exit'))
      for (const worker of workers) worker.kill('SIGKILL')
      await Promise.all(gone)
    }
    const last = await spawnWorker('w3')
    while ((await sealed()) < 2 * INTERVALS) await systemClock.sleep(50)
    const ended = once(last, 'exit')
    last.kill('SIGTERM')
    expect(await ended).toEqual([0, null])
    expect(kills).toBeGreaterThan(1)

    const calm = await startComplianceWorker({
      complianceDb: calmDb,
      transport: openInlineTransport(),
      clock: systemClock,
      log: silentLog,
      config: {
        pool: 'pool',
        workerName: 'calm',
        runIntervalMs: MINUTE,
        outputDirectory: join(directory, 'calm'),
        adapters: SETTINGS,
        tickMs: 50,
      },
    })
    await calm.drain()
    await calm.stop()
    const files = await filesBelow(join(directory, 'killed'))
    expect([...files.keys()].filter((name) => name.includes('.hansard-'))).toEqual([])
    expect(files.size).toBeGreaterThan(80)
    expect(files).toEqual(await filesBelow(join(directory, 'calm')))

    const engine = await openXsltEngine()
    const parts = { db: killedDb, engine, adapters: ADAPTERS, signal: new AbortController().signal }
    for (const { adapter, number } of await listExports(killedDb, { limit: 100 })) {
      expect(await replayExport(parts, { adapter, number })).toMatchObject({ adapter, number, identical: true })
    }
    await engine.close()
    await killedDb.close()
    await calmDb.close()
    await rm(directory, { recursive: true })
  })
})
