import type { Finding } from './findings.ts'
import type { SeriesInPool } from './pool-check.ts'
import type { SeenExport } from './verify-series.ts'

type Compared = {
  readonly findings: readonly Finding[]
  /** by series: how many of its exports have the record series' chain file and counts, and how many are not in it */
  readonly series: ReadonlyMap<string, { readonly compared: number; readonly notInRecord: number }>
}

/**
 * Compares every series with the record series of its pool. All series seal the same intervals of the same chains, so
 * the exports of one interval have the same chain file and count the same events, and so have their addenda.
 */
export function compareWithRecord(all: readonly SeriesInPool[]): Compared {
  const record = new Map<string, SeenExport[]>()
  const pools = new Set<string | null>()
  for (const { report, exports } of all.filter(isRecord)) {
    pools.add(report.pool)
    for (const { key, seen } of keyed(report.pool, exports)) record.set(key, [...(record.get(key) ?? []), seen])
  }
  const findings: Finding[] = []
  const series = new Map<string, { compared: number; notInRecord: number }>()
  for (const one of all) {
    const { report, exports } = one
    if (isRecord(one) || exports.length === 0 || !pools.has(report.pool)) continue
    let compared = 0
    for (const { key, seen } of keyed(report.pool, exports)) {
      const others = record.get(key)
      if (!others) continue
      compared += 1
      const { number } = seen
      const differs = others.every(({ chainSha256 }) => chainSha256 !== seen.chainSha256)
        ? 'has other numbers or hashes than the record series'
        : others.every(({ counts }) => counts !== seen.counts)
          ? 'counts other events than the record series'
          : undefined
      if (differs === undefined) continue
      const message = `export ${number} of ${report.adapter} ${differs} in the same interval`
      findings.push({ series: report.series, what: 'record-differs', export: number, message })
    }
    series.set(report.series, { compared, notInRecord: exports.length - compared })
  }
  return { findings, series }
}

const isRecord = ({ report }: SeriesInPool) => report.texts !== null

/** Addenda have a number and a name of each series' own; they belong to the interval that they were sealed with. */
function* keyed(pool: string | null, exports: readonly SeenExport[]): Generator<{ key: string; seen: SeenExport }> {
  let addenda: SeenExport[] = []
  let before = exports[0]!.number - 1
  for (const seen of exports) {
    if (seen.number !== before + 1) addenda = []
    before = seen.number
    if (seen.startMs === undefined) {
      addenda.push(seen)
      continue
    }
    const interval = JSON.stringify([pool, seen.incarnations, seen.startMs, seen.endMs])
    for (const addendum of addenda) yield { key: `${interval} ${addendum.window}`, seen: addendum }
    addenda = []
    yield { key: interval, seen }
  }
}
