import { openXsltEngine } from '@hansard/adapter'
import { leafOf } from '@hansard/compliance-event'
import { type EvidenceDirectory, verifySeries } from '@hansard/evidence'
import { addRequest, listExports, recordSourceProgress, stageEvents } from '@hansard/staging'
import type { ScriptedSource } from '@hansard/staging/testing'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { ADAPTERS, DEFAULT_ADAPTERS } from './adapter-settings.ts'
import { replayExport } from './replay-export.ts'
import { type Bench, MINUTE, openBench, T0 } from './worker-in-test.ts'

const ROOMS = ['desk', 'lobby', 'a room', 'z']
const SETTINGS = [
  { ...DEFAULT_ADAPTERS[0]!, eventsPerFileMax: 7 },
  {
    ...{ ...DEFAULT_ADAPTERS[0]!, name: 'extended', adapter: 'xml-extended', oneChatRoomPerOutputFile: true },
    createFileAttachmentsManifest: true,
  },
]
const FILE = { storedName: '7f3a.txt', fileName: 'notes.txt', size: 5, sha256: '0'.repeat(64) }

/** The next steps, as numbers that fast-check chooses. */
const step = fc.record({
  what: fc.constantFrom(
    ...([
      'talk',
      'talk',
      'talk',
      'deliver',
      'deliver',
      'again',
      'restart',
      'die',
      'garble',
      'report',
      'run',
      'seal',
      'newcomer',
      'newcomer',
      'newcomer',
      'unreadable',
      'unreadable',
    ] as const),
  ),
  a: fc.nat(1_000),
  b: fc.nat(1_000),
})
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

/** A pool in which everything arrives late, twice, in any order or after its interval was closed. */
async function play(
  bench: Bench,
  steps: readonly Step[],
): Promise<{ said: string[]; changed: string[]; taken: number; garbled: number }> {
  const worker = await bench.worker({ adapters: SETTINGS })
  const sources: ScriptedSource[] = [
    bench.pool.source('chat-1', { startedAt: T0 }),
    bench.pool.source('chat-2', { startedAt: T0 }),
  ]
  const alive = new Set(sources)
  const hidden = new Set<ScriptedSource>()
  const stamps = new Map(sources.map((source) => [source, T0]))
  const said: string[] = []
  const changed: string[] = []
  let taken = 0
  const behind = new Map<ScriptedSource, number>()
  let garbled = 0
  let now = T0
  const start = (name: string, at: number) => {
    const epoch = sources.filter((source) => source.name === name).length + 1
    const source = bench.pool.source(name, { epoch, startedAt: at })
    sources.push(source)
    alive.add(source)
    stamps.set(source, at)
    return source
  }
  /** The source's own clock. It may be slow, and never goes back. */
  const stampOf = (source: ScriptedSource) => {
    const at = Math.max(stamps.get(source)!, now - (behind.get(source) ?? 0))
    stamps.set(source, at)
    return at
  }
  const rollCall = () => {
    const { takenAt, sources: reports } = bench.pool.rollCall(now)
    const known = reports.filter((r) => ![...hidden].some((h) => h.name === r.source && h.epoch === r.epoch))
    return recordSourceProgress(bench.db, { takenAt, sources: known })
  }
  const everything = async (strangersToo = true) => {
    if (strangersToo) hidden.clear()
    for (const source of alive) source.reports(stampOf(source))
    for (const source of sources) {
      if (!hidden.has(source)) await stageEvents(bench.db, source.envelope(), now)
    }
    await rollCall()
  }

  const drain = async () => {
    bench.clock.advance({ ms: Math.max(0, now - bench.clock.now()) })
    await worker.drain()
  }

  for (const { what, a, b } of steps) {
    now += 1 + ((a * b) % 20_000)
    const living = [...alive]
    const source =
      (hidden.size > 0 && a % 2 ? [...hidden][b % hidden.size] : living[a % living.length]) ?? start('chat-1', now)
    if (what === 'talk') {
      for (let n = 0; n <= b % 9; n++) {
        const text = `${said.length} of ${source.name}/${source.epoch}`
        said.push(text)
        source.says(ROOMS[(a + n) % ROOMS.length]!, 'alice', text, stampOf(source))
      }
      if (b % 3 === 0) {
        const name = `${changed.length} by ${source.name}/${source.epoch}`
        changed.push(name)
        source.records(b % 2 ? 'the pool' : ROOMS[a % ROOMS.length]!, 'operator', stampOf(source), {
          ...{ kind: 'change', action: 'changed', subject: { type: 'group', uri: 'ma-grp:x@y', name } },
          ...{ before: { members: ['a'] }, after: { members: ['b', 'c'] } },
        })
      }
      if (b % 7 === 0) {
        taken += 1
        source.records(ROOMS[a % ROOMS.length]!, 'bob', stampOf(source), { kind: 'file-download', ...FILE })
      }
      if (b % 4 === 0) source.joins(ROOMS[a % ROOMS.length]!, `p${b % 3}`, stampOf(source))
      if (b % 5 === 0) source.parts(ROOMS[a % ROOMS.length]!, `p${b % 3}`, stampOf(source))
    } else if (what === 'deliver' || what === 'again') {
      const some = sources[a % sources.length]!
      const from = 1 + (b % Math.max(1, some.recorded.length))
      await stageEvents(bench.db, some.envelope(from, from + (what === 'again' ? 3 : 40)), now)
    } else if (what === 'restart') {
      source.ends('fenced')
      alive.delete(source)
      start(source.name, now)
    } else if (what === 'die') {
      source.ends('dead')
      alive.delete(source)
    } else if (what === 'garble') {
      source.putText(`{"garbled":${garbled++}}`, stampOf(source))
    } else if (what === 'report') {
      for (const one of living) if ((a + one.epoch) % 3) one.reports(stampOf(one))
      await rollCall()
    } else if (what === 'newcomer') {
      // The worker does not know this source yet, and its clock is slow.
      const lag = (b % 4) * 40_000
      const newcomer = start(`late-${sources.length}`, Math.max(T0, now - lag))
      hidden.add(newcomer)
      behind.set(newcomer, lag)
    } else if (what === 'unreadable') {
      await makeUnreadable(bench, b)
    } else if (what === 'seal') {
      await addRequest(bench.db, { request: { kind: 'seal' }, requestedBy: 'test', now })
    } else {
      if (a % 3) await everything(a % 4 === 0)
      await drain()
      if (b % 3 === 0) await addRequest(bench.db, { request: { kind: 'quarantine-retry' }, requestedBy: 'test', now })
    }
  }
  now += 5 * MINUTE
  await everything()
  await drain()
  await addRequest(bench.db, { request: { kind: 'quarantine-retry' }, requestedBy: 'test', now })
  await drain()
  now += MINUTE
  await everything()
  await drain()
  return { said, changed, taken, garbled }
}

/** Moves one event that is in no closed interval into quarantine, as a program that cannot read it would. */
async function makeUnreadable(bench: Bench, which: number): Promise<void> {
  const rows = await bench.db
    .knex('staged_event as e')
    .join('source as s', 's.id', 'e.source_id')
    .where('e.kind', 'chat')
    .andWhere('e.late_in', 0)
    .andWhereRaw('e.seq > s.cut_seq')
    .andWhereRaw('e.seq < s.staged_through')
    .orderBy(['e.source_id', 'e.seq'])
    .select('e.*')
  const row = rows[which % Math.max(1, rows.length)]
  if (!row) return
  const { source_id, seq, at, head, body } = row
  await bench.db
    .knex('quarantined_event')
    .insert({
      source_id,
      seq,
      leaf: leafOf(body),
      at,
      head,
      body: JSON.stringify(body),
      reason: 'too new',
      state: 'waiting',
      counted: 1,
      quarantined_at: at,
    })
    .onConflict(['source_id', 'seq', 'leaf'])
    .merge()
  await bench.db.knex('staged_event').where({ source_id, seq }).delete()
}

async function directoryOf(bench: Bench, adapter: string): Promise<EvidenceDirectory> {
  const files = await bench.files(adapter)
  return {
    name: adapter,
    files: [...files.keys()],
    async *read(file) {
      yield Buffer.from(files.get(file)!)
    },
  }
}

it('exports every event exactly once, verifiably, even if events arrive late, twice, garbled or out of order', {
  timeout: 600_000,
}, async () => {
  const engine = await openXsltEngine()
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 60 }), async (steps) => {
      await using bench = await openBench()
      const { said, changed, taken, garbled } = await play(bench, steps)

      for (const { name } of SETTINGS) {
        const series = await directoryOf(bench, name)
        const report = await verifySeries(series)
        expect(report.findings).toEqual([])
        expect(report.unreadable).toEqual([])
        expect(report.outstanding).toHaveLength(garbled)
      }
      const textOf = async (adapter: string, extension: string) =>
        [...(await bench.files(adapter)).entries()]
          .filter(([file]) => file.endsWith(extension))
          .map(([, content]) => content.replace(/<FirstMessage[\s\S]*?<\/FirstMessage>/g, ''))
          .join('')
      const found = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map((match) => match[1]).toSorted()
      const strict = await textOf('xml', '.xml')
      const extended = await textOf('extended', '.xml')
      expect(found(strict, /content="(\d+ of [^"]+)"/g)).toEqual(said.toSorted())
      expect(strict).not.toContain('CHANGE')
      expect(found(extended, /content="(\d+ of [^"]+)"/g)).toEqual(said.toSorted())
      expect(found(extended, /subjectName="(\d+ by [^"]+)"/g)).toEqual(changed.toSorted())
      expect(found(await textOf('extended', '.ATTACH'), /<Attachment (transfer)=/g)).toHaveLength(taken)

      const deps = { db: bench.db, engine, adapters: ADAPTERS, signal: new AbortController().signal }
      for (const sealed of await listExports(bench.db, { limit: 1_000 })) {
        expect(sealed.state).toBe('sealed')
        expect(await replayExport(deps, sealed)).toMatchObject({ identical: true, differences: [] })
      }
    }),
    { numRuns: Number(process.env['HANSARD_TEST_RUNS'] ?? 12), endOnFailure: true },
  )
  await engine.close()
})
