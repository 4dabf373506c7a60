import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { openXsltEngine, type XsltEngine } from '@hansard/adapter'
import { xml } from '@hansard/adapter-xml'
import { ManualClock } from '@hansard/clock'
import { writeDurably } from '@hansard/durable-file'
import { silentLog } from '@hansard/log'
import { type Lease, LeaseLost, takeLease } from '@hansard/sql'
import {
  bindEvents,
  closeInterval,
  EXPORTER_LEASE,
  findExport,
  nextUnsealed,
  numberExports,
  openInterval,
  readStatus,
  recordSettings,
  registerAdapters,
} from '@hansard/staging'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ADAPTERS, DEFAULT_ADAPTERS } from './adapter-settings.ts'
import { storedFilesIn } from './check-stored-file.ts'
import { LEASE_MS } from './config.ts'
import { renderExport } from './render-export.ts'
import { replayExport } from './replay-export.ts'
import { type ExportDeps, runExport, settingsOf } from './run-export.ts'
import { type Bench, MINUTE, openBench, T0 } from './worker-in-test.ts'

/** One event per file, so that an export has several files. */
const SETTING = { ...DEFAULT_ADAPTERS[0]!, eventsPerFileMax: 1 }
const FILES = 5
const APPROVAL = 'two-people' as const
const NONE = async () => ({ unknown: new Map(), problem: undefined })

let engine: XsltEngine
beforeAll(async () => {
  engine = await openXsltEngine()
})
afterAll(() => engine.close())

async function stagedBench(): Promise<Bench> {
  const bench = await openBench()
  const one = bench.pool.source('chat-1', { startedAt: T0 })
  const two = bench.pool.source('chat-2', { startedAt: T0 })
  one.joins('desk', 'alice', T0 + 1_000)
  two.says('desk', 'bob', 'who is there?', T0 + 2_000)
  one.says('lobby', 'alice', 'nobody', T0 + 3_000)
  await bench.deliver(T0 + MINUTE, [one, two])
  return bench
}

const partsOf = (bench: Bench, lease: Lease): ExportDeps => ({
  db: bench.db,
  lease,
  clock: bench.clock,
  engine,
  log: silentLog,
  pool: 'fourth-coffee',
  holder: 'dies',
  outputDirectory: bench.directory,
  openStoredFile: storedFilesIn(undefined),
  signal: new AbortController().signal,
})

type Step = 'closed' | 'numbered' | 'bound' | 'recorded' | number

/** A worker that works up to and including a step, and then dies. A number: files written. */
async function diesAfter(bench: Bench, last: Step, setting = SETTING): Promise<ExportDeps> {
  const { db } = bench
  const lease = (await takeLease(db, {
    name: EXPORTER_LEASE,
    holder: 'dies',
    clock: bench.clock,
    ttlMs: LEASE_MS,
  }))!
  const deps = partsOf(bench, lease)
  await registerAdapters(db, lease, [{ name: 'xml' }])
  const interval = (await openInterval(db, { runIntervalMs: MINUTE }))!
  await closeInterval(db, lease, { interval, now: T0 + MINUTE })
  if (last === 'closed') return deps
  await numberExports(db, lease, { adapter: 'xml', now: T0 + MINUTE })
  if (last === 'numbered') return deps
  const planned = await bindEvents(db, lease, (await nextUnsealed(db, 'xml'))!)
  if (last === 'bound') return deps
  const settings = settingsOf(deps, setting, xml)
  const stylesheet = xml.defaultStylesheet
  await recordSettings(db, lease, { exportId: planned.id, settings, stylesheet })
  if (last === 'recorded') return deps
  await mkdir(settings.directory, { recursive: true })
  let written = 0
  const dying = renderExport(
    {
      ...deps,
      adapter: xml,
      async put({ name, content }) {
        if (written++ === last) throw new Error('killed')
        return writeDurably(settings.directory, name, content)
      },
    },
    { planned, settings, stylesheet, previousManifestSha256: null },
  )
  if (last < FILES) await expect(dying).rejects.toThrow('killed')
  else await dying
  return deps
}

async function finishes(bench: Bench) {
  bench.clock.advance({ ms: LEASE_MS })
  const worker = await bench.worker({ adapters: [SETTING] })
  await worker.drain()
  expect(await findExport(bench.db, { adapter: 'xml', number: 1 })).toMatchObject({ state: 'sealed', events: 3 })
  return bench.files()
}

describe('a worker that succeeds a dead one', () => {
  it.each<Step>(['closed', 'numbered', 'bound', 'recorded', 0, 1, 2, 3, 4, 5])(
    'comes to the same bytes when the other died at step %s',
    async (step) => {
      await using undisturbed = await stagedBench()
      await using bench = await stagedBench()
      await diesAfter(bench, step)
      expect(await finishes(bench)).toEqual(await finishes(undisturbed))
    },
  )

  it('removes the files of a run with other settings, and none of another export', async () => {
    await using undisturbed = await stagedBench()
    await using bench = await stagedBench()
    await diesAfter(bench, 3, { ...SETTING, oneChatRoomPerOutputFile: true })
    const stranger = '20261120T231500Z_20261120T231600Z_addendum-9-0001.xml'
    await writeDurably(join(bench.directory, 'xml'), stranger, 'another export’s')

    const files = await finishes(bench)
    expect(files.get(stranger)).toBe('another export’s')
    files.delete(stranger)
    expect(files).toEqual(await finishes(undisturbed))
  })

  it('keeps an export whose manifest is on disk, whatever the settings are now', async () => {
    await using bench = await stagedBench()
    const other = { ...SETTING, addUserDetails: true }
    await diesAfter(bench, FILES, other)
    const before = await bench.files()

    expect(await finishes(bench)).toEqual(before)
    const sealed = await findExport(bench.db, { adapter: 'xml', number: 1 })
    expect(sealed?.settings?.options).toMatchObject({ addUserDetails: true })
    const replay = { db: bench.db, engine, adapters: ADAPTERS, signal: new AbortController().signal }
    expect(await replayExport(replay, { adapter: 'xml', number: 1 })).toMatchObject({ identical: true })
  })

  it('does not export events twice that arrived after the plan', async () => {
    await using bench = await stagedBench()
    await diesAfter(bench, 2)
    const late = bench.pool.source('chat-3', { startedAt: T0 })
    late.says('desk', 'carol', 'late', T0 + 4_000)
    await bench.deliver(T0 + MINUTE, [late])
    const files = await finishes(bench)
    expect([...files.values()].join('')).not.toContain('late')
  })

  it('is not disturbed when the other wakes up: a zombie neither writes nor seals', async () => {
    await using bench = await stagedBench()
    const zombie = await diesAfter(bench, 2)
    const files = await finishes(bench)
    const unsealed = { ...(await findExport(bench.db, { adapter: 'xml', number: 1 }))!, state: 'planned' as const }

    await expect(
      runExport(zombie, { setting: SETTING, adapter: xml, unsealed, diskState: NONE, approval: APPROVAL }),
    ).rejects.toThrow(LeaseLost)
    expect(await bench.files()).toEqual(files)
  })

  it('is not disturbed by one that was paused between two files', async () => {
    await using bench = await stagedBench()
    const zombie = await diesAfter(bench, 'bound')
    const sleepy = {
      ...xml,
      async *translate(...given: Parameters<typeof xml.translate>) {
        for await (const file of xml.translate(...given)) {
          await takeLease(bench.db, {
            name: EXPORTER_LEASE,
            holder: 'successor',
            clock: new ManualClock(T0 + MINUTE + LEASE_MS),
            ttlMs: 1,
          })
          yield file
        }
      },
    }
    const unsealed = (await nextUnsealed(bench.db, 'xml'))!
    await expect(
      runExport(zombie, { setting: SETTING, adapter: sleepy, unsealed, diskState: NONE, approval: APPROVAL }),
    ).rejects.toThrow(LeaseLost)
    expect(await bench.files()).toEqual(new Map())
  })

  it('does not remove its successor’s files if it was paused before clearing up', async () => {
    await using bench = await stagedBench()
    const zombie = await diesAfter(bench, 3)
    const files = await bench.files()
    const setting = {
      ...SETTING,
      oneChatRoomPerOutputFile: true,
      // Read between the plan and the first removal.
      get stylesheet(): undefined {
        void takeLease(bench.db, {
          name: EXPORTER_LEASE,
          holder: 'successor',
          clock: new ManualClock(T0 + MINUTE + LEASE_MS),
          ttlMs: 1,
        })
        return undefined
      },
    }
    const unsealed = (await nextUnsealed(bench.db, 'xml'))!
    await expect(
      runExport(zombie, { setting, adapter: xml, unsealed, diskState: NONE, approval: APPROVAL }),
    ).rejects.toThrow(LeaseLost)
    expect(await bench.files()).toEqual(files)
  })

  it('does not rename a file into place that it was writing when the other took over', async () => {
    await using bench = await stagedBench()
    const zombie = await diesAfter(bench, 'bound')
    const sleepy = {
      ...xml,
      async *translate(...given: Parameters<typeof xml.translate>) {
        for await (const file of xml.translate(...given)) {
          const slow = async function* () {
            await takeLease(bench.db, {
              name: EXPORTER_LEASE,
              holder: 'successor',
              clock: new ManualClock(T0 + MINUTE + LEASE_MS),
              ttlMs: 1,
            })
            yield file.bytes
          }
          yield { ...file, bytes: slow() as unknown as Uint8Array }
        }
      },
    }
    const unsealed = (await nextUnsealed(bench.db, 'xml'))!
    await expect(
      runExport(zombie, { setting: SETTING, adapter: sleepy, unsealed, diskState: NONE, approval: APPROVAL }),
    ).rejects.toThrow(LeaseLost)
    expect(await bench.files()).toEqual(new Map())
  })

  it('continues in another directory when the other’s directory is unusable', async () => {
    await using undisturbed = await stagedBench()
    await using bench = await stagedBench()
    const dead = join(bench.directory, 'dead')
    await diesAfter(bench, 3, { ...SETTING, outputDirectory: dead })
    await rm(dead, { recursive: true })
    expect(await finishes(bench)).toEqual(await finishes(undisturbed))
  })

  it('removes the manifest of an earlier run before the documents, so that it never describes what is gone', async () => {
    await using bench = await stagedBench()
    const earlier = join(bench.directory, 'earlier')
    await diesAfter(bench, FILES, { ...SETTING, outputDirectory: earlier })
    const ofExport = async () => (await readdir(earlier)).filter((name) => name.startsWith('2026'))
    const manifest = (await ofExport()).find((name) => name.endsWith('.manifest.json'))!
    // No document can be removed, and one of them is read from the directory before the manifest.
    for (const name of await ofExport()) {
      if (name === manifest) continue
      await rm(join(earlier, name))
      await mkdir(join(earlier, name))
    }
    for (let n = 1; n <= 200 && (await ofExport())[0] === manifest; n++)
      await mkdir(join(earlier, manifest.replace('.manifest.json', `-${n}.xml`)))
    const documents = (await ofExport()).filter((name) => name !== manifest)
    expect((await ofExport())[0]).not.toBe(manifest)

    await finishes(bench)

    expect(await ofExport()).toEqual(documents)
  })

  it('waits until the other’s lease has expired, and not longer', async () => {
    await using bench = await stagedBench()
    await diesAfter(bench, 'numbered')
    const worker = await bench.worker({ adapters: [SETTING] })
    bench.clock.advance({ ms: LEASE_MS - 1 })
    await worker.drain()
    expect(await findExport(bench.db, { adapter: 'xml', number: 1 })).toMatchObject({ state: 'planning' })
    bench.clock.advance({ ms: LEASE_MS / 3 })
    await worker.drain()
    expect(await findExport(bench.db, { adapter: 'xml', number: 1 })).toMatchObject({ state: 'sealed' })
  })

  it('takes over at once from one that was stopped properly', async () => {
    await using bench = await stagedBench()
    const first = await bench.worker({ adapters: [SETTING] })
    const second = await bench.worker({ name: 'w2', adapters: [SETTING] })
    await first.drain()
    await first.stop()
    bench.clock.advance({ ms: LEASE_MS / 3 })
    await second.drain()
    const { exporter } = await readStatus(bench.db, { now: bench.clock.now(), runIntervalMs: MINUTE })
    expect(exporter!.holder).toMatch(/^w2#/)
  })
})
