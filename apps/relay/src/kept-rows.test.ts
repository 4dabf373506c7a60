import { systemClock } from '@hansard/clock'
import { leafOf } from '@hansard/compliance-event'
import { type SharedPostgres, sharePostgres } from '@hansard/test-servers'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { benchOfRelay } from './bench-in-test.ts'
import { until } from './relay-in-test.ts'

let postgres: SharedPostgres
beforeAll(async () => {
  postgres = await sharePostgres()
})
afterAll(() => postgres.stop())

describe.each(['sqlite', 'postgres'] as const)('rows that the relay keeps, on %s', (dialect) => {
  const bench = benchOfRelay(dialect, () => postgres)
  const { talk, relayTo, stage, inline, keptRows, staged } = bench

  it('keeps a row whose text is not the one that is staged under its number, and sends it again', async () => {
    const { key } = await talk(5)
    const transport = inline()
    const sent: string[] = []
    let staging = true
    await transport.consume(async (envelope) => {
      if (envelope.kind === 'events') sent.push(...envelope.events.map(({ body }) => body))
      if (staging || envelope.kind === 'roll-call') await stage(envelope)
    })
    const first = await relayTo(transport, { config: { keepMs: 3_600_000 } })
    await vi.waitFor(async () => expect(await staged(key)).toBe(5), until)
    await first.stop()
    staging = false
    const { body }: { body: string } = await bench.poolDb.knex('outbox').where('seq', 3).first('body')
    const other = body.replace('"chat 2"', '"chat X"')
    expect(other).not.toBe(body)
    await bench.poolDb.knex('outbox').where('seq', 3).update({ body: other })

    await relayTo(transport)
    await vi.waitFor(() => expect(sent).toContain(other), until)
    expect(await bench.poolDb.knex('outbox').where('body', other).first('seq')).toEqual({ seq: 3 })

    staging = true
    await vi.waitFor(async () => expect(await keptRows()).toBe(0), until)
    expect(await bench.complianceDb.knex('quarantined_event').pluck('leaf')).toEqual([leafOf(other)])
  })

  it('sends kept rows again whose texts were removed after they were staged, or accepted as a gap', async () => {
    const { key } = await talk(5)
    const bodies = () => bench.complianceDb.knex('staged_event').orderBy('seq').pluck('body')
    const transport = inline()
    await transport.consume(stage)
    await relayTo(transport, { config: { keepMs: 3_600_000 } })
    await vi.waitFor(async () => expect(await staged(key)).toBe(5), until)
    const before = await bodies()

    await bench.complianceDb.knex('staged_event').whereIn('seq', [2, 3]).delete()
    const { id } = await bench.complianceDb.knex('source').first('id')
    await bench.complianceDb.knex('source').update({ lacks_from: 2 })
    await vi.waitFor(async () => expect(await bodies()).toEqual(before), until)
    expect(await bench.complianceDb.knex('source').first('lacks_from', 'fork_seq')).toEqual({
      lacks_from: 0,
      fork_seq: 0,
    })

    await bench.complianceDb.knex('staged_event').where('seq', 4).delete()
    await bench.complianceDb.knex('accepted_gap').insert({
      ...{ source_id: id, from_seq: 4, to_seq: 4, state: 'accepted', reason: 'r', proposed_by: 'a', accepted_by: 'b' },
      ...{ proposed_by_officer: 1, proposed_at: 1, accepted_at: 1 },
    })
    await vi.waitFor(async () => expect(await bodies()).toEqual(before), until)
    expect(await bench.complianceDb.knex('staged_event').where('seq', 4).first('late_in')).toEqual({ late_in: 1 })
  })

  it('fills a compliance database that came back older from the rows it kept', async () => {
    const { key } = await talk(50)
    const bodies = () => bench.complianceDb.knex('staged_event').orderBy('seq').pluck('body')
    const transport = inline()
    await transport.consume(stage)
    await relayTo(transport, { config: { keepMs: 3_600_000 } })
    await vi.waitFor(async () => expect(await staged(key)).toBe(50), until)
    const before = await bodies()

    const { head }: { head: string } = await bench.poolDb.knex('outbox').where('seq', 20).first('head')
    await bench.complianceDb.knex('staged_event').where('seq', '>', 20).delete()
    await bench.complianceDb.knex('source').update({ staged_through: 20, staged_head: head })

    await vi.waitFor(async () => expect(await bodies()).toEqual(before), until)
    expect(await keptRows()).toBe(50)
  })

  it('keeps staged rows for their time, and at most so many', async () => {
    let ahead = 0
    const clock = { ...systemClock, now: () => systemClock.now() + ahead }
    const { key } = await talk(50)
    const transport = inline()
    await transport.consume(stage)
    const first = await relayTo(transport, { clock, config: { keepMs: 3_600_000, keptRowsMax: 10 } })
    await vi.waitFor(async () => expect([await staged(key), (await keptRows()) <= 10]).toEqual([50, true]), until)
    await first.stop()
    const { key: later } = await talk(50, 'channel-2')
    await relayTo(transport, { clock, config: { keepMs: 3_600_000 } })
    await vi.waitFor(async () => expect([await staged(later), (await keptRows()) >= 50]).toEqual([50, true]), until)

    ahead = 3_700_000
    await vi.waitFor(async () => expect(await keptRows()).toBe(0), until)
  })
})
