import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AdapterSetting, configurationsOf } from '@hansard/adapter'
import { ManualClock } from '@hansard/clock'
import { type Manifest, parseManifest } from '@hansard/evidence'
import { silentLog } from '@hansard/log'
import { openInlineTransport, type Transport } from '@hansard/queue'
import type { Database } from '@hansard/sql'
import {
  listComplianceConfigurations,
  putComplianceConfiguration,
  readStatus,
  recordSourceProgress,
  removeComplianceConfiguration,
  stageEvents,
} from '@hansard/staging'
import { complianceSqlite, type ScriptedPool, type ScriptedSource, scriptedPool } from '@hansard/staging/testing'
import { DEFAULT_ADAPTERS } from './adapter-settings.ts'
import type { AnchorSetting } from './anchor-settings.ts'
import { IDENTITY_FILE } from './directory-identity.ts'
import { type ComplianceWorker, startComplianceWorker } from './service.ts'
import type { SigningKeySource } from './signing-key-file.ts'

export const MINUTE = 60_000
export const T0 = Date.UTC(2026, 10, 20, 23, 15)

export type Bench = AsyncDisposable & {
  readonly db: Database
  readonly clock: ManualClock
  readonly pool: ScriptedPool
  readonly transport: Transport
  readonly directory: string
  /** Starts a worker that exports as `adapters` says; it is stopped with the bench. */
  worker(options?: {
    name?: string
    adapters?: readonly AdapterSetting[]
    directory?: string
    complianceFileStore?: string
    signingKey?: SigningKeySource
    anchors?: readonly AnchorSetting[]
  }): Promise<ComplianceWorker>
  /** Every source reports, and everything recorded so far is delivered. */
  deliver(at: number, sources?: readonly ScriptedSource[]): Promise<void>
  /** Name and content of every file of an adapter. */
  files(adapter?: string, directory?: string): Promise<Map<string, string>>
}

/** A compliance database, an output directory, a pool driven by the test, and a clock controlled by the test. */
export async function openBench(given: { db?: Database; directory?: string; at?: number } = {}): Promise<Bench> {
  const db = given.db ?? (await complianceSqlite())
  const directory = given.directory ?? (await mkdtemp(join(tmpdir(), 'hansard-worker-')))
  const clock = new ManualClock(given.at ?? T0)
  const pool = scriptedPool()
  const transport = openInlineTransport()
  const workers: ComplianceWorker[] = []
  const bench: Bench = {
    db,
    clock,
    pool,
    transport,
    directory,
    async worker({
      name = 'w1',
      adapters = [DEFAULT_ADAPTERS[0]!],
      directory: outputDirectory = directory,
      complianceFileStore,
      signingKey,
      anchors,
    } = {}) {
      await configure(db, adapters, clock.now())
      const config = {
        pool: 'fourth-coffee',
        workerName: name,
        runIntervalMs: MINUTE,
        outputDirectory,
        adapters,
        complianceFileStore,
        signingKey,
        anchors,
        tickMs: 1_000,
      }
      const worker = await startComplianceWorker({ complianceDb: db, transport, clock, log: silentLog, config })
      workers.push(worker)
      return worker
    },
    async deliver(at, sources = []) {
      if (at > clock.now()) clock.advance({ ms: at - clock.now() })
      for (const source of sources) {
        source.reports(at)
        await stageEvents(db, source.envelope(), at)
      }
      await recordSourceProgress(db, pool.rollCall(at))
    },
    async files(adapter = 'xml', root = directory) {
      const names = (await readdir(join(root, adapter))).filter((name) => name !== IDENTITY_FILE).sort()
      return new Map(
        await Promise.all(
          names.map(async (name) => [name, await readFile(join(root, adapter, name), 'utf8')] as const),
        ),
      )
    },
    async [Symbol.asyncDispose]() {
      for (const worker of workers) await worker.stop()
      await transport.close()
      await db.close()
      if (given.directory === undefined) await rm(directory, { recursive: true, force: true })
    },
  }
  return bench
}

/** Sets the export configuration, as an operator would. */
export async function configure(db: Database, adapters: readonly AdapterSetting[], now: number): Promise<void> {
  const by = { actor: 'operator', now, check: () => undefined }
  for (const { identity } of (await listComplianceConfigurations(db)).configurations) {
    await removeComplianceConfiguration(db, { identity, ...by })
  }
  for (const { identity, settings } of configurationsOf(adapters)) {
    await putComplianceConfiguration(db, { identity, settings: () => settings, approval: 'two-people', ...by })
  }
}

/** An adapter whose stylesheet visits every node for every node, at every depth: it never ends. */
export const ENDLESS = {
  ...DEFAULT_ADAPTERS[0]!,
  stylesheet: `<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
    <xsl:template match="/"><xsl:apply-templates select="//*" mode="a"/></xsl:template>
    <xsl:template match="*" mode="a"><xsl:for-each select="//@*[contains(concat(., //@*[1]), 'x')]"><xsl:apply-templates select="//*" mode="a"/></xsl:for-each></xsl:template>
  </xsl:stylesheet>`,
}

/** The manifests of an adapter, in the order of their numbers. */
export async function manifests(bench: Bench, adapter = 'xml'): Promise<Manifest[]> {
  const found: Manifest[] = []
  for (const [name, text] of await bench.files(adapter)) {
    if (!name.endsWith('.manifest.json')) continue
    const parsed = parseManifest(text)
    if (parsed.outcome !== 'parsed') throw new Error(`${name}: ${parsed.reason}`)
    found.push(parsed.manifest)
  }
  return found.sort((a, b) => a.number - b.number)
}

/** Two rooms, three users, two services, two minutes. */
export function story(bench: Bench) {
  const one = bench.pool.source('chat-1', { startedAt: T0 })
  const two = bench.pool.source('chat-2', { startedAt: T0 })
  one.joins('desk', 'alice', T0 + 1_000)
  one.says('desk', 'alice', 'before', T0 + 2_000)
  two.joins('lobby', 'bob', T0 + 3_000)
  two.says('lobby', 'bob', '5 < 6 & so on', T0 + 4_000)
  one.says('desk', 'alice', 'after the minute', T0 + MINUTE + 1)
  return [one, two] as const
}

/** What `hansard status` reads. */
export const statusOf = (bench: Bench) => readStatus(bench.db, { now: bench.clock.now(), runIntervalMs: MINUTE })

export const adapterStatus = async (bench: Bench, adapter = 'xml') =>
  (await statusOf(bench)).adapters.find(({ name }) => name === adapter)!
