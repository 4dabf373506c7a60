import { execFileSync } from 'node:child_process'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Adapter, openXsltEngine, type XsltEngine } from '@hansard/adapter'
import { xml } from '@hansard/adapter-xml'
import { FileMissing, verifySeries } from '@hansard/evidence'
import { silentLog } from '@hansard/log'
import { takeLease } from '@hansard/sql'
import {
  addRequest,
  closeInterval,
  EXPORTER_LEASE,
  findRequest,
  nextUnsealed,
  numberExports,
  openInterval,
  registerAdapters,
  verifyAudit,
} from '@hansard/staging'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { DEFAULT_ADAPTERS } from './adapter-settings.ts'
import { storedFilesIn } from './check-stored-file.ts'
import { CHECK_FILES_EVERY_MS, LEASE_MS } from './config.ts'
import { runExport } from './run-export.ts'
import { type Bench, MINUTE, manifests, openBench, statusOf, T0 } from './worker-in-test.ts'

/** Cases in which a regulator fined a firm for its archive, each played against the worker. */

const VERIFIER = join(import.meta.dirname, '../../../docs/verify.py')
const SETTING = { ...DEFAULT_ADAPTERS[0]!, eventsPerFileMax: 1 }

let engine: XsltEngine
beforeAll(async () => {
  engine = await openXsltEngine()
})
afterAll(() => engine.close())

/** What an officer checks with: our verifier, and the one that needs nothing of ours. */
async function verified(bench: Bench) {
  const directory = join(bench.directory, 'xml')
  const files = await readdir(directory)
  const report = await verifySeries({
    name: '.',
    files,
    async *read(file) {
      if (!files.includes(file)) throw new FileMissing(file)
      yield await readFile(join(directory, file))
    },
  })
  if (report.findings.length === 0) execFileSync('python3', [VERIFIER, directory])
  return report
}

/** The texts of all chats in all documents, as often as they are shown. `FirstMessage` repeats the first. */
async function shown(bench: Bench): Promise<string[]> {
  const documents = [...(await bench.files())].filter(([name]) => name.endsWith('.xml'))
  const text = documents.map(([, content]) => content.replace(/<FirstMessage[\s\S]*?<\/FirstMessage>/g, '')).join('')
  return [...text.matchAll(/type="CHAT" content="([^"]*)"/g)].map((match) => match[1]!).toSorted()
}

it('22 million messages lost in system transitions: an upgrade in the middle of an interval loses and repeats none', async () => {
  await using bench = await openBench()
  const before: Adapter = { ...xml, version: 'before the upgrade' }
  const source = bench.pool.source('chat-1', { startedAt: T0 })
  const says = (minute: number, ...texts: string[]) => {
    for (const text of texts) source.says('desk', 'alice', text, T0 + minute * MINUTE + text.length)
  }
  const { db, clock } = bench
  const lease = (await takeLease(db, { name: EXPORTER_LEASE, holder: 'before', clock, ttlMs: LEASE_MS }))!
  await registerAdapters(db, lease, [{ name: 'xml' }])
  /** One interval, exported by the version before the upgrade. */
  const exportsBefore = async (adapter: Adapter) => {
    const interval = (await openInterval(db, { runIntervalMs: MINUTE }))!
    expect(await closeInterval(db, lease, { interval, now: clock.now() })).toEqual({ close: true })
    await numberExports(db, lease, { adapter: 'xml', now: clock.now() })
    const deps = {
      ...{ db, lease, clock, engine, log: silentLog, pool: 'fourth-coffee', holder: 'before' },
      ...{ outputDirectory: bench.directory, openStoredFile: storedFilesIn(undefined) },
      signal: new AbortController().signal,
    }
    const unsealed = (await nextUnsealed(db, 'xml'))!
    const diskState = async () => ({ unknown: new Map(), problem: undefined })
    await runExport(deps, { setting: SETTING, adapter, unsealed, diskState, approval: 'two-people' })
  }

  says(0, 'a', 'bb')
  await bench.deliver(T0 + MINUTE, [source])
  await exportsBefore(before)
  says(1, 'ccc', 'dddd', 'eeeee')
  await bench.deliver(T0 + 2 * MINUTE, [source])
  const stopped: Adapter = {
    ...before,
    async *translate(...given) {
      let files = 0
      for await (const file of before.translate(...given)) {
        if (files++ === 2) throw new Error('stopped for the upgrade')
        yield file
      }
    },
  }
  await expect(exportsBefore(stopped)).rejects.toThrow('stopped for the upgrade')
  // What is said while no exporter runs.
  says(2, 'ffffff')
  clock.advance({ ms: LEASE_MS })
  const worker = await bench.worker({ adapters: [SETTING] })
  await worker.drain()
  says(2, 'ggggggg')
  await bench.deliver(T0 + 3 * MINUTE, [source])
  await worker.drain()

  const sealed = await manifests(bench)
  expect(sealed.map(({ number, adapter }) => [number, adapter.version])).toEqual([
    [1, 'before the upgrade'],
    [2, xml.version],
    [3, xml.version],
  ])
  expect(await shown(bench)).toEqual(['a', 'bb', 'ccc', 'dddd', 'eeeee', 'ffffff', 'ggggggg'])
  expect(await verified(bench)).toMatchObject({ findings: [], unreadable: [], exports: 3, events: 7 })
})

it('FINRA 2011, messages stuck in a staging database: their age is shown, and both times and the sender survive', async () => {
  await using bench = await openBench()
  const silent = bench.pool.source('chat-2', { startedAt: T0 })
  const source = bench.pool.source('chat-1', { startedAt: T0 })
  const acceptedAt = T0 + 12_345
  source.says('desk', 'alice', 'stuck', acceptedAt)
  const worker = await bench.worker()
  await bench.deliver(T0 + 5 * 60 * MINUTE, [source])
  await worker.drain()

  const stuck = await statusOf(bench)
  expect(stuck).toMatchObject({
    oldestUnexportedAt: acceptedAt,
    holding: [{ source: 'chat-2', why: 'silent' }],
    adapters: [{ lastSealed: null }],
  })
  await worker.stop()
  // The upgrade: another process, which finds the message where it was stuck.
  silent.ends('dead')
  const upgraded = await bench.worker({ name: 'w2' })
  await bench.deliver(T0 + 5 * 60 * MINUTE + 1_000, [])
  await upgraded.drain()

  const [row] = await bench.db.knex('staged_event').select('at', 'staged_at')
  expect(row).toEqual({ at: acceptedAt, staged_at: T0 + 5 * 60 * MINUTE })
  const document = [...(await bench.files())].find(([, text]) => text.includes('stuck'))![1]
  expect(document).toContain(`since1970="${acceptedAt}" string="2026-11-20T23:15:12.345Z"`)
  expect(document).toContain(
    '<Sender UserName="alice@fourthcoffee.com" id="307097" email="" internal="true" uri="alice@fourthcoffee.com"/>',
  )
  expect(document).not.toContain('2026-11-21T04:15')
  expect((await statusOf(bench)).oldestUnexportedAt).toBeNull()
  expect(await verified(bench)).toMatchObject({ findings: [], unreadable: [] })
})

it('$1.5 million, 9.5 million documents that could be rewritten: a rewritten one is found, and so is a missing audit record', async () => {
  await using bench = await openBench()
  const source = bench.pool.source('chat-1', { startedAt: T0 })
  source.says('desk', 'alice', 'as it was said', T0 + 1)
  const worker = await bench.worker()
  await bench.deliver(T0 + MINUTE, [source])
  await worker.drain()
  const sealed = await bench.files()
  const name = [...sealed.keys()].find((each) => each.endsWith('-0001.xml'))!
  const path = join(bench.directory, 'xml', name)
  await writeFile(path, sealed.get(name)!.replace('as it was said', 'as it should be'))

  expect((await verified(bench)).findings.map(({ what, file }) => [what, file])).toEqual([['file-size', name]])
  bench.clock.advance({ ms: CHECK_FILES_EVERY_MS })
  await worker.drain()
  expect((await statusOf(bench)).damagedFiles).toMatchObject({ count: 1, files: [{ name, adapter: 'xml', number: 1 }] })

  const restore = { kind: 'restore', adapter: 'xml', number: 1 } as const
  const id = await addRequest(bench.db, { request: restore, requestedBy: 'officer', now: bench.clock.now() })
  await worker.drain()
  expect(await findRequest(bench.db, id)).toMatchObject({ state: 'done', result: { written: [name] } })
  expect(await readFile(path, 'utf8')).toBe(sealed.get(name))
  expect((await verified(bench)).findings).toEqual([])

  // Who restored it is on record, and the record cannot lose that without being seen.
  const restored = await bench.db.knex('audit_record').where({ action: 'restored' }).first('number', 'object')
  expect(restored).toMatchObject({ object: 'xml/1' })
  expect((await verifyAudit(bench.db)).problem).toBeNull()
  await bench.db.knex('audit_record').where({ number: restored.number }).delete()
  expect((await verifyAudit(bench.db)).problem).toMatchObject({ what: 'missing', number: restored.number })
})
