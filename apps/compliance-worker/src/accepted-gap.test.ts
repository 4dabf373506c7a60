import { cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openDatabase } from '@hansard/sql'
import { acceptGap, addRequest, findRequest, placesOfEvent, stageEvents } from '@hansard/staging'
import { complianceSqlite } from '@hansard/staging/testing'
import { expect, it } from 'vitest'
import { type Bench, MINUTE, manifests, openBench, statusOf, T0 } from './worker-in-test.ts'

const at = (minute: number, ms = 0) => T0 + minute * MINUTE + ms

/** Two minutes of one source; numbers 2 and 3 are on no machine any more, and two people have accepted that. */
async function withGap(bench: Bench) {
  const one = bench.pool.source('chat-1', { startedAt: T0 })
  for (const text of ['1', '2', '3', '4']) one.says('desk', 'alice', text, at(0, Number(text)))
  const { source, epoch, events } = { ...one.envelope(), source: one.name }
  one.reports(at(1))
  await bench.deliver(at(1))
  await stageEvents(bench.db, { source, epoch, events: events.filter(({ seq }) => seq !== 2 && seq !== 3) }, at(1))
  const ask = (account: string) =>
    acceptGap(bench.db, {
      ...{ source: { source, epoch }, from: 2, to: 3, reason: 'the disk was cut', now: at(1, 1) },
      by: { account, officer: account === 'olivia' },
    })
  return { one, ask }
}

it('closes an interval over an accepted gap, and its manifest says who accepted it', async () => {
  await using bench = await openBench()
  const worker = await bench.worker()
  const { one, ask } = await withGap(bench)
  await worker.drain()
  expect((await statusOf(bench)).holding).toMatchObject([{ source: 'chat-1', why: 'behind', missing: 3 }])

  await ask('otto')
  await ask('olivia')
  await worker.drain()

  const [sealed] = await manifests(bench)
  expect(sealed).toMatchObject({
    counts: { chat: 2, total: 2 },
    sources: [{ first: 1, last: 4, count: 2 }],
    acceptedGaps: [{ source: 'chat-1', epoch: 1, from: 2, to: 3, head: null, headAfter: one.recorded[3]!.head }],
  })
  expect(sealed!.acceptedGaps![0]).toMatchObject({
    ...{ acceptedBy: ['otto', 'olivia'], at: new Date(at(1, 1)).toISOString(), reason: 'the disk was cut' },
  })
  for (const seq of [1, 4]) {
    const places = await placesOfEvent(bench.db, { source: 'chat-1', epoch: 1, incarnation: '', seq })
    const { directory, chain } = places.find(({ adapter }) => adapter === 'xml')!
    const lines = (await readFile(join(directory, chain!.name), 'utf8')).split('\n')
    expect(lines[chain!.line - 1]).toContain(`\t${seq}\t`)
  }
})

it('renders an export with a gap again alike, also after a number of it has arrived', async () => {
  await using bench = await openBench()
  const worker = await bench.worker()
  const { one, ask } = await withGap(bench)
  await ask('otto')
  await ask('olivia')
  await worker.drain()
  await bench.deliver(at(2), [one])
  await worker.drain()
  expect((await manifests(bench)).map(({ kind, counts }) => `${kind} ${counts.total}`)).toEqual([
    'interval 2',
    'addendum 2',
    'interval 0',
  ])

  const request = { kind: 'replay', adapter: 'xml', number: 1 } as const
  const id = await addRequest(bench.db, { request, requestedBy: 'officer', now: at(2) })
  await worker.drain()
  expect(await findRequest(bench.db, id)).toMatchObject({ state: 'done', result: { identical: true } })
})

it('knows accepted gaps again from the exports on disk, when the compliance database was set back', async () => {
  const db = await complianceSqlite()
  const directory = await mkdtemp(join(tmpdir(), 'hansard-gap-'))
  try {
    const bench = await openBench({ db: openDatabase({ url: db.url }), directory })
    const { one, ask } = await withGap(bench)
    const backup = join(directory, 'backup.db')
    await bench.db.knex.raw(`vacuum into '${backup}'`)
    await ask('otto')
    await ask('olivia')
    const worker = await bench.worker()
    await worker.drain()
    one.says('desk', 'alice', '5', at(1, 5))
    one.reports(at(2))
    await stageEvents(bench.db, one.envelope(5), at(2))
    await bench.deliver(at(2))
    await worker.drain()
    const before = await bench.files()
    await bench[Symbol.asyncDispose]()

    const restored = join(directory, 'restored.db')
    await cp(backup, restored)
    await using again = await openBench({ db: openDatabase({ url: `sqlite:${restored}` }), directory, at: at(2) })
    const next = await again.worker()
    await next.drain()
    const copy = again.pool.source('chat-1', { startedAt: T0 })
    for (const { body, at } of one.recorded) copy.putText(body, at)
    copy.reports(at(3))
    await again.deliver(at(3))
    await next.drain()
    // What the pool still has would be staged first; it has nothing.
    copy.reports(at(5))
    await again.deliver(at(5))
    await next.drain()

    for (const [name, text] of before) expect((await again.files()).get(name), name).toBe(text)
    const sealed = (await manifests(again)).map(({ number, acceptedGaps = [] }) => `${number} ${acceptedGaps.length}`)
    expect(sealed.slice(0, 4)).toEqual(['1 1', '2 0', '3 0', '4 0'])
    expect(await again.db.knex('accepted_gap').select('from_seq', 'to_seq', 'state', 'accepted_by')).toEqual([
      { from_seq: 2, to_seq: 3, state: 'accepted', accepted_by: 'olivia' },
    ])
    await stageEvents(again.db, copy.envelope(2, 3), at(5))
    copy.reports(at(6))
    await again.deliver(at(6))
    await next.drain()
    expect((await manifests(again)).at(-2)).toMatchObject({ kind: 'addendum', counts: { total: 2 } })
  } finally {
    await db.close()
    await rm(directory, { recursive: true })
  }
})

it('exports as late what an older compliance database still has of a gap', async () => {
  const db = await complianceSqlite()
  const directory = await mkdtemp(join(tmpdir(), 'hansard-gap-'))
  try {
    const bench = await openBench({ db: openDatabase({ url: db.url }), directory })
    const one = bench.pool.source('chat-1', { startedAt: T0 })
    for (const text of ['1', '2', '3', '4']) one.says('desk', 'alice', text, at(0, Number(text)))
    one.reports(at(1))
    await bench.deliver(at(1), [one])
    const backup = join(directory, 'backup.db')
    await bench.db.knex.raw(`vacuum into '${backup}'`)
    await bench.db.knex('staged_event').whereIn('seq', [2, 3]).delete()
    const gap = { source: { source: 'chat-1', epoch: 1 }, from: 2, to: 3, reason: 'removed', now: at(1, 1) }
    for (const account of ['otto', 'olivia'])
      await acceptGap(bench.db, { ...gap, by: { account, officer: account === 'olivia' } })
    const worker = await bench.worker()
    await worker.drain()
    expect(await manifests(bench)).toMatchObject([{ counts: { total: 2 }, acceptedGaps: [{ from: 2, to: 3 }] }])
    await bench[Symbol.asyncDispose]()

    const restored = join(directory, 'restored.db')
    await cp(backup, restored)
    await using again = await openBench({ db: openDatabase({ url: `sqlite:${restored}` }), directory, at: at(2) })
    const next = await again.worker()
    await next.drain()
    const copy = again.pool.source('chat-1', { startedAt: T0 })
    for (const { body, at } of one.recorded) copy.putText(body, at)
    copy.reports(at(3))
    await again.deliver(at(3))
    await next.drain()

    const sealed = (await manifests(again)).map(({ kind, counts }) => `${kind} ${counts.total}`)
    expect(sealed.slice(0, 2)).toEqual(['interval 2', 'addendum 2'])
  } finally {
    await db.close()
    await rm(directory, { recursive: true })
  }
})

it('asks for a staged row that was removed, and exports what the outbox still has', async () => {
  await using bench = await openBench()
  const worker = await bench.worker()
  const one = bench.pool.source('chat-1', { startedAt: T0 })
  for (const text of ['1', '2', '3']) one.says('desk', 'alice', text, at(0, Number(text)))
  await bench.deliver(at(0, 10), [one])
  await bench.db.knex('staged_event').where({ seq: 2 }).delete()
  one.reports(at(1))
  await bench.deliver(at(1))
  await worker.drain()
  const problems = (await statusOf(bench)).adapters.map(({ problem }) => problem)
  expect(problems[0]).toMatch(/^Event chat-1\/1\/2 was removed from the compliance database after it was staged\./)
  expect(await bench.db.knex('source').select('lacks_from')).toEqual([{ lacks_from: 2 }])

  await stageEvents(bench.db, one.envelope(2, 2), at(1))
  bench.clock.advance({ ms: MINUTE })
  await worker.drain()
  expect((await statusOf(bench)).adapters[0]).toMatchObject({ problem: null })
  expect(await manifests(bench)).toMatchObject([{ counts: { total: 3 } }])
})

it('asks for a late event whose row was removed before its addendum was sealed', async () => {
  await using bench = await openBench()
  const worker = await bench.worker()
  const one = bench.pool.source('chat-1', { startedAt: T0 })
  one.reports(at(1))
  await bench.deliver(at(1))
  await worker.drain()
  const late = bench.pool.source('chat-2', { startedAt: T0 })
  late.says('desk', 'bob', 'late', at(0, 5))
  late.says('desk', 'bob', 'later', at(0, 6))
  await bench.deliver(at(2), [one, late])
  await bench.db.knex.raw(`create trigger t after insert on compliance_fanout when new.seq = 2
    begin delete from staged_event where seq = 2; end`)
  await worker.drain()
  const problems = (await statusOf(bench)).adapters.map(({ problem }) => problem)
  expect(problems).toContainEqual(expect.stringMatching(/^Event chat-2\/1\/2 was removed/))

  await bench.db.knex.raw('drop trigger t')
  await stageEvents(bench.db, late.envelope(2, 2), at(2))
  bench.clock.advance({ ms: MINUTE })
  await worker.drain()
  expect((await manifests(bench)).map(({ kind, counts }) => `${kind} ${counts.total}`)).toEqual([
    'interval 0',
    'addendum 2',
    'interval 0',
  ])
})
