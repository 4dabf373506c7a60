import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { on, once } from 'node:events'
import { mkdirSync, watch } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type AdapterSetting, openXsltEngine } from '@hansard/adapter'
import { systemClock } from '@hansard/clock'
import { silentLog } from '@hansard/log'
import { openInlineTransport } from '@hansard/queue'
import type { Database } from '@hansard/sql'
import { listExports, recordSourceProgress, stageEvents } from '@hansard/staging'
import { compliancePostgres, scriptedPool } from '@hansard/staging/testing'
import { sharePostgres, shareRedis } from '@hansard/test-servers'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ADAPTERS } from './adapter-settings.ts'
import { IDENTITY_FILE } from './directory-identity.ts'
import { replayExport } from './replay-export.ts'
import { startComplianceWorker } from './service.ts'

const VERIFIER = join(import.meta.dirname, '../../../docs/verify.py')
const MINUTE = 60_000
const T0 = Date.UTC(2026, 10, 20, 23, 15)
const INTERVALS = 6
/** File operations of the workers before they are killed: from an early moment to several exports later. */
const KILL_AFTER_MOVES = fc.sample(fc.integer({ min: 1, max: 40 }), { numRuns: 5, seed: 137 })
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

/** The same minutes of chat, staged. */
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
  await recordSourceProgress(db, pool.rollCall(T0 + INTERVALS * MINUTE))
}

/** Resolves after so many files were created, renamed or removed in the adapters' directories. */
function filesMove(directory: string, { times, signal }: { times: number; signal: AbortSignal }): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  let moves = 0
  for (const { name } of SETTINGS) {
    mkdirSync(join(directory, name), { recursive: true })
    watch(join(directory, name), { signal }, (happened) => {
      if (happened === 'rename' && ++moves === times) resolve()
    })
  }
  return promise
}

async function filesBelow(directory: string): Promise<Map<string, string>> {
  const names = await readdir(directory, { recursive: true, withFileTypes: true })
  // Each directory has an identity of its own.
  const exported = names.filter((entry) => entry.isFile() && entry.name !== IDENTITY_FILE)
  const files = exported.map((entry) => join(entry.parentPath, entry.name))
  return new Map(
    await Promise.all(
      files.sort().map(async (file) => [file.slice(directory.length), await readFile(file, 'utf8')] as const),
    ),
  )
}

describe('workers as processes', () => {
  it('produce the same bytes however often and wherever they are killed', async () => {
    await using postgres = await sharePostgres()
    await using redis = await shareRedis()
    const directory = await mkdtemp(join(tmpdir(), 'hansard-killed-'))
    const settings = join(directory, 'adapters.json')
    await writeFile(settings, JSON.stringify(SETTINGS))
    const killedDb = await compliancePostgres(await postgres.createDatabase('killed'))
    const calmDb = await compliancePostgres(await postgres.createDatabase('calm'))
    await stageTalk(killedDb)
    await stageTalk(calmDb)

    const spawnWorker = async (name: string): Promise<ChildProcess> => {
      const child = spawn(process.execPath, ['--conditions=@hansard/source', join(import.meta.dirname, 'main.ts')], {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: {
          ...process.env,
          HANSARD_COMPLIANCE_DATABASE_URL: killedDb.url,
          HANSARD_REDIS_URL: redis.url,
          HANSARD_POOL: redis.pool,
          HANSARD_OUTPUT_DIRECTORY: join(directory, 'killed'),
          HANSARD_RUN_INTERVAL: '1m',
          HANSARD_ADAPTERS_FILE: settings,
          HANSARD_WORKER_NAME: name,
          HANSARD_WORKER_TICK_MS: '50',
          HANSARD_WORKER_LEASE_MS: '1000',
          HANSARD_SIGNING_KEY_FILE: join(directory, 'signing-keys.json'),
          HANSARD_LOG_LEVEL: 'info',
        },
      })
      await once(child.stdout!, 'data')
      return child
    }
    // Two adapters, the record series and the pool manifests.
    const EXPORTS = 4 * INTERVALS
    const sealed = async () => {
      const exports = (await listExports(killedDb, { limit: 100 })).filter((e) => e.state === 'sealed').length
      return exports + (await killedDb.knex('pool_manifest').where({ state: 'sealed' })).length
    }
    /** Resolves when everything is sealed; checks whenever the worker reports that it sealed something. */
    const allSealed = async (worker: ChildProcess) => {
      const lines = on(createInterface(worker.stderr!), 'line', { close: ['close'] })
      if ((await sealed()) === EXPORTS) return
      for await (const [line] of lines) if (line.includes(' sealed') && (await sealed()) === EXPORTS) return
      throw new Error('A worker ended before everything was sealed.')
    }

    let kills = 0
    for (const moves of KILL_AFTER_MOVES) {
      if ((await sealed()) === EXPORTS) break
      const watching = new AbortController()
      const moved = filesMove(join(directory, 'killed'), { times: moves, signal: watching.signal })
      const workers = await Promise.all([spawnWorker('w1'), spawnWorker('w2')])
      await Promise.race([moved, ...workers.map(allSealed)])
      watching.abort()
      const gone = workers.map((worker) => once(worker, 'exit'))
      for (const worker of workers) worker.kill('SIGKILL')
      await Promise.all(gone)
      kills += 1
    }
    const last = await spawnWorker('w3')
    await allSealed(last)
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
        pool: redis.pool,
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
    // What a pool manifest calls complete depends on how long the kills took; that it holds is for the verifier to say.
    const ofSeries = [...files].filter(([name]) => !name.startsWith('/pool/'))
    expect(new Map(ofSeries)).toEqual(await filesBelow(join(directory, 'calm')))
    const report = execFileSync('python3', [VERIFIER, '--json', join(directory, 'killed')], { encoding: 'utf8' })
    expect(JSON.parse(report)).toMatchObject({ exitCode: 0, trust: 'embedded', pools: [{ manifests: INTERVALS }] })

    const engine = await openXsltEngine()
    const deps = { db: killedDb, engine, adapters: ADAPTERS, signal: new AbortController().signal }
    for (const { adapter, number } of await listExports(killedDb, { limit: 100 })) {
      expect(await replayExport(deps, { adapter, number })).toMatchObject({ adapter, number, identical: true })
    }
    await engine.close()
    await killedDb.close()
    await calmDb.close()
    await rm(directory, { recursive: true })
  })
})
