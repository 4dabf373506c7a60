import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ADAPTER_TYPES, type ComplianceSettings, configurationsProblem, RECORD_SERIES } from '@hansard/adapter'
import { silentLog } from '@hansard/log'
import {
  findExport,
  listComplianceConfigurations,
  putComplianceConfiguration,
  readStatus,
  removeComplianceConfiguration,
} from '@hansard/staging'
import { expect, it } from 'vitest'
import { ADAPTERS, DEFAULT_ADAPTERS } from './adapter-settings.ts'
import { startComplianceWorker } from './service.ts'
import { type Bench, MINUTE, manifests, openBench, T0 } from './worker-in-test.ts'

const [XML] = DEFAULT_ADAPTERS

const set = (bench: Bench, identity: string, settings: ComplianceSettings) =>
  putComplianceConfiguration(bench.db, {
    ...{ identity, actor: 'dora', now: bench.clock.now(), check: () => undefined },
    settings: (before) => ({ ...before, ...settings }),
  })
const problems = async (bench: Bench) =>
  (await readStatus(bench.db, { now: bench.clock.now(), runIntervalMs: MINUTE })).adapters
    .filter(({ name }) => name !== RECORD_SERIES)
    .map(({ name, problem }) => [name, problem] as const)

/** Chats in each of the next minutes, all of them delivered. */
async function talk(bench: Bench) {
  const source = bench.pool.source('chat-1', { startedAt: T0 })
  return async (minute: number) => {
    source.says('desk', 'alice', `in minute ${minute}`, T0 + minute * MINUTE + 1)
    await bench.deliver(T0 + (minute + 1) * MINUTE, [source])
  }
}

it('knows every adapter that a configuration may name, and that of the record series', () => {
  expect([...ADAPTERS.keys()].toSorted()).toEqual([...ADAPTER_TYPES, RECORD_SERIES].toSorted())
})

it('applies a changed configuration to the next export, and does not change sealed ones', async () => {
  await using bench = await openBench()
  const worker = await bench.worker()
  const minute = await talk(bench)
  await minute(0)
  await worker.drain()

  await set(bench, 'global', { addUserDetails: true, oneChatRoomPerOutputFile: true })
  await set(bench, 'adapter:all', { adapterType: 'xml-extended', adapterOutputDirectory: 'for officers' })
  await worker.drain()
  await minute(1)
  await worker.drain()

  const optionsOf = async (adapter: string, number: number) =>
    (await findExport(bench.db, { adapter, number }))?.settings?.options
  expect(await optionsOf('xml', 1)).toMatchObject({ addUserDetails: false, oneChatRoomPerOutputFile: false })
  expect(await optionsOf('xml', 2)).toMatchObject({ addUserDetails: true, oneChatRoomPerOutputFile: true })
  expect(await optionsOf('all', 1)).toMatchObject({ addUserDetails: true })
  expect([...(await bench.files('for officers')).keys()]).toContain('20261120T231600Z_20261120T231700Z-0001-desk.xml')

  await removeComplianceConfiguration(bench.db, {
    identity: 'adapter:all',
    actor: 'dora',
    now: 0,
    check: () => undefined,
  })
  await minute(2)
  await worker.drain()
  expect(await findExport(bench.db, { adapter: 'xml', number: 3 })).toMatchObject({ state: 'sealed' })
  expect(await findExport(bench.db, { adapter: 'all', number: 2 })).toBeUndefined()
})

it('applies a corrected stylesheet at once, without waiting for the next attempt', async () => {
  await using bench = await openBench()
  const worker = await bench.worker()
  const minute = await talk(bench)
  await set(bench, 'global', { customConfiguration: '<not-a-stylesheet/>' })
  await minute(0)
  await worker.drain()
  expect(await problems(bench)).toEqual([['xml', expect.stringContaining('stylesheet')]])

  await set(bench, 'global', { customConfiguration: undefined })
  await worker.drain()
  expect(await problems(bench)).toEqual([['xml', null]])
  expect(await findExport(bench.db, { adapter: 'xml', number: 1 })).toMatchObject({ state: 'sealed' })
})

it('no longer waits for a removed adapter, and lets it catch up when it comes back', async () => {
  await using bench = await openBench()
  const worker = await bench.worker()
  const minute = await talk(bench)
  await set(bench, 'adapter:broken', { customConfiguration: '<not-a-stylesheet/>' })
  await worker.drain()
  await minute(0)
  await worker.drain()
  const status = () => readStatus(bench.db, { now: bench.clock.now(), runIntervalMs: MINUTE })
  expect(await problems(bench)).toEqual([
    ['broken', expect.stringContaining('stylesheet')],
    ['xml', null],
  ])
  expect((await status()).oldestUnexportedAt).toBe(T0)

  await removeComplianceConfiguration(bench.db, {
    ...{ identity: 'adapter:broken', actor: 'dora', now: bench.clock.now(), check: () => undefined },
  })
  await worker.drain()
  expect(await problems(bench)).toEqual([['xml', null]])
  expect((await status()).oldestUnexportedAt).toBeNull()

  await minute(1)
  await worker.drain()
  await set(bench, 'adapter:broken', { addUserDetails: true })
  await worker.drain()
  expect(await problems(bench)).toEqual([
    ['broken', null],
    ['xml', null],
  ])
  expect(await findExport(bench.db, { adapter: 'broken', number: 2 })).toMatchObject({ state: 'sealed', events: 1 })
})

it('has the record series beside whatever is configured, under a name and in a directory that nobody else gets', async () => {
  await using bench = await openBench()
  const worker = await bench.worker()
  const minute = await talk(bench)
  // As if they had been set before the name was reserved.
  await set(bench, 'adapter:record', { adapterType: 'xml', addUserDetails: true })
  await set(bench, 'adapter:thief', { adapterOutputDirectory: 'record' })
  await minute(0)
  await worker.drain()

  expect(await findExport(bench.db, { adapter: RECORD_SERIES, number: 1 })).toMatchObject({
    state: 'sealed',
    settings: {
      adapter: RECORD_SERIES,
      profile: 'record-1',
      engine: 'fflate/0.8.3',
      options: { addUserDetails: false },
    },
  })
  expect(await problems(bench)).toEqual([
    ['thief', expect.stringContaining('both write to')],
    ['xml', null],
  ])
  const refused = (settings: ComplianceSettings) =>
    configurationsProblem([{ identity: 'adapter:a', settings }], { directoriesAllowed: [] })
  expect(refused({ adapterName: 'record' })).toContain('is reserved')
  expect(refused({ adapterType: 'record' })).toContain('there is no adapter of type')
  expect(refused({ adapterOutputDirectory: 'record' })).toContain('both write to')
  expect(refused({ adapterOutputDirectory: 'records' })).toBeUndefined()
})

it('gives a new adapter the past on request, from the beginning or from a moment, and only while it has no export', async () => {
  await using bench = await openBench()
  const worker = await bench.worker()
  const minute = await talk(bench)
  for (const n of [0, 1, 2]) await minute(n)
  await worker.drain()

  await set(bench, 'adapter:all', { exportFrom: 0 })
  await set(bench, 'adapter:later', { exportFrom: T0 + MINUTE + 1 })
  await set(bench, 'adapter:now', {})
  await worker.drain()
  const startsOf = async (adapter: string) =>
    (await manifests(bench, adapter)).map(({ interval, counts }) => [interval.startMs - T0, counts.total])
  expect(await startsOf('all')).toEqual([
    [0, 1],
    [MINUTE, 1],
    [2 * MINUTE, 1],
  ])
  expect(await startsOf('later')).toEqual([
    [MINUTE, 1],
    [2 * MINUTE, 1],
  ])
  expect(await findExport(bench.db, { adapter: 'now', number: 1 })).toBeUndefined()
  const chains = async (adapter: string) =>
    [...(await bench.files(adapter))].filter(([name]) => name.endsWith('.chain.txt'))
  expect(await chains('all')).toEqual(await chains('xml'))

  // Nothing of it is sealed yet: it may still be given the past. A series that has begun goes on where it is.
  await set(bench, 'adapter:now', { exportFrom: T0 + 2 * MINUTE })
  await set(bench, 'adapter:later', { exportFrom: 0 })
  await worker.drain()
  await minute(3)
  await worker.drain()
  expect(await startsOf('now')).toEqual([
    [2 * MINUTE, 1],
    [3 * MINUTE, 1],
  ])
  expect((await startsOf('later')).map(([start]) => start)).toEqual([MINUTE, 2 * MINUTE, 3 * MINUTE])
})

it('closes intervals of the configured length', async () => {
  await using bench = await openBench()
  const worker = await bench.worker()
  const minute = await talk(bench)
  await minute(0)
  await worker.drain()
  await set(bench, 'global', { runIntervalMs: 5 * MINUTE })
  for (const n of [1, 2, 3]) await minute(n)
  await worker.drain()
  expect(await findExport(bench.db, { adapter: 'xml', number: 2 })).toBeUndefined()
  await minute(4)
  await worker.drain()
  expect(await findExport(bench.db, { adapter: 'xml', number: 2 })).toMatchObject({
    startsAt: T0 + MINUTE,
    endsAt: T0 + 5 * MINUTE,
  })
})

it('never writes to a forbidden directory, whatever the database says, and continues with the other adapters', async () => {
  await using bench = await openBench()
  const outside = await mkdtemp(join(tmpdir(), 'hansard-outside-'))
  const worker = await bench.worker()
  const minute = await talk(bench)
  await set(bench, 'adapter:absolute', { adapterOutputDirectory: outside })
  await set(bench, 'adapter:climbs', { adapterOutputDirectory: '../climbs' })
  await set(bench, 'adapter:twin-1', { adapterOutputDirectory: 'twin' })
  await set(bench, 'adapter:twin-2', { adapterOutputDirectory: 'twin' })
  await worker.drain()
  await minute(0)
  await worker.drain()

  expect(await problems(bench)).toEqual([
    ['absolute', expect.stringContaining('is not allowed')],
    ['climbs', expect.stringContaining('is no folder below')],
    ['twin-1', expect.stringContaining('both write to')],
    ['twin-2', expect.stringContaining('both write to')],
    ['xml', null],
  ])
  expect(await readdir(outside)).toEqual([])
  expect((await readdir(bench.directory)).toSorted()).toEqual([RECORD_SERIES, 'xml'])
  await rm(outside, { recursive: true })
})

it('copies the settings file into the database on the first start only', async () => {
  await using bench = await openBench()
  const outside = await mkdtemp(join(tmpdir(), 'hansard-outside-'))
  const start = (adapters: typeof DEFAULT_ADAPTERS) =>
    startComplianceWorker({
      ...{ complianceDb: bench.db, transport: bench.transport, clock: bench.clock, log: silentLog },
      config: {
        ...{ pool: 'p', workerName: 'w', runIntervalMs: MINUTE, outputDirectory: bench.directory, tickMs: 1_000 },
        adapters,
      },
    })
  const minute = await talk(bench)
  const fromFile = [{ ...XML!, name: 'officers', outputDirectory: outside }, XML!]
  {
    await using first = await start(fromFile)
    await minute(0)
    await first.drain()
    expect((await readdir(outside)).length).toBeGreaterThan(0)
  }
  await set(bench, 'global', { addUserDetails: true })
  await using second = await start([{ ...XML!, name: 'officers', outputDirectory: outside }])
  await second.drain()

  expect((await listComplianceConfigurations(bench.db)).configurations).toMatchObject([
    { identity: 'adapter:xml', settings: { adapterName: 'xml' } },
    { identity: 'global', settings: { adapterName: 'officers', addUserDetails: true } },
  ])
  await rm(outside, { recursive: true })
})
