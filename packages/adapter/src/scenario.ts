import { readFileSync } from 'node:fs'
import { ComplianceEvent } from '@hansard/compliance-event'
import { foldConversations, type RosterEntry, type SliceRoom } from '@hansard/conversation'
import type { Adapter, AdapterOptions, ExportContext, ExportFile } from './adapter.ts'
import type { XsltEngine } from './xslt-engine.ts'

/** One interval of a pool, described in a file: see `fixtures/scenarios`. */
export type Scenario = {
  readonly story: string
  readonly options: AdapterOptions
  readonly context: ExportContext
  readonly events: readonly ComplianceEvent[]
  readonly rosters: Readonly<Record<string, { readonly atStart: RosterEntry[]; readonly atEnd: RosterEntry[] }>>
  readonly silentRooms: readonly SliceRoom[]
}

export function loadScenario(file: URL | string): Scenario {
  const scenario = JSON.parse(readFileSync(file, 'utf8')) as Scenario
  return { ...scenario, events: scenario.events.map((event) => ComplianceEvent.parse(event)) }
}

/** Everything the adapter makes of it, as the compliance worker would receive it. */
export function renderScenario(
  adapter: Adapter,
  { events, rosters, silentRooms, options, context }: Scenario,
  engine: XsltEngine,
  stylesheet: string = adapter.defaultStylesheet,
): AsyncIterable<ExportFile> {
  const slices = foldConversations(iterate(events), {
    sliceEventsMax: options.eventsPerFileMax,
    rosterOf: async (roomUri) => rosters[roomUri] ?? { atStart: [], atEnd: [] },
    roomsWithRosterOnly: iterate(silentRooms),
  })
  return adapter.translate(slices, options, context, engine, stylesheet)
}

async function* iterate<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items
}
