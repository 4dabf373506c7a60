import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { findEvents, placesOfEvent } from '@hansard/staging'
import { expect, it } from 'vitest'
import { MINUTE, openBench, story, T0 } from './worker-in-test.ts'

it('every event is in the line of the chain file that is named, late and beside quarantined ones too', async () => {
  await using bench = await openBench()
  const [one, two] = story(bench)
  const three = bench.pool.source('chat-3', { startedAt: T0 })
  three.says('desk', 'carol', 'first', T0 + 5_000)
  three.putText('not an event', T0 + 6_000)
  three.says('desk', 'carol', 'third', T0 + 7_000)
  await using worker = await bench.worker()
  await bench.deliver(T0 + MINUTE, [one, two, three])
  await worker.drain()
  const late = bench.pool.source('chat-late', { startedAt: T0 })
  late.says('desk', 'dave', 'from before', T0 + 9_000)
  late.putText('nor this', T0 + 9_500)
  late.says('desk', 'dave', 'from before, too', T0 + 9_700)
  late.says('desk', 'dave', 'from now', T0 + MINUTE + 9_000)
  await bench.deliver(T0 + 2 * MINUTE, [one, two, three, late])
  await worker.drain()

  const rows: { source: string; epoch: number; seq: number }[] = await bench.db
    .knex('staged_event')
    .join('source', 'source.id', 'staged_event.source_id')
    .select('source.name as source', 'source.epoch', 'staged_event.seq')
  const seen = new Map<string, number[]>()
  for (const row of rows) {
    const [event] = await findEvents(bench.db, row)
    const places = await placesOfEvent(bench.db, event!)
    const place = places.find(({ adapter }) => adapter === 'xml')
    expect(place?.sealed).toBe(true)
    // Every series has the same lines in the same places.
    for (const { chain } of places) expect(chain).toEqual(place!.chain)
    const { name, line } = place!.chain!
    const lines = (await readFile(join(place!.directory, name), 'utf8')).split('\n')
    expect(lines[line - 1]).toContain(`${row.source}\t`)
    expect(lines[line - 1]).toMatch(new RegExp(`\t${row.seq}\t${event!.leaf}$`))
    seen.set(name, [...(seen.get(name) ?? []), line])
  }
  // Each chain file but its quarantined lines.
  const chains = (await readdir(join(bench.directory, 'xml'))).filter((name) => name.endsWith('.chain.txt'))
  expect([...seen.keys()].sort()).toEqual(chains.sort())
  expect(chains).toHaveLength(3)
  expect(new Set([...seen].flatMap(([name, lines]) => lines.map((line) => `${name} ${line}`))).size).toBe(rows.length)
})
