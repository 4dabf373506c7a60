import { nameOfSource, type SeriesGap } from '@hansard/evidence'
import { counted } from '../cli/table.ts'

/** Numbers of an accepted gap that have not arrived since. */
export function missingOf({ from, to, arrived }: SeriesGap): number {
  return to - from + 1 - arrived
}

/** docs/verify.py says the same. */
export function describeGap(gap: SeriesGap): string {
  const { from, to, export: number, arrived } = gap
  const numbers = from === to ? `number ${from}` : `numbers ${from} to ${to}`
  const since = arrived > 0 ? `; ${arrived} of them arrived since, in an addendum` : ''
  return `  ACCEPTED GAP: ${numbers} of ${nameOfSource(gap)}, in export ${number}, ${acceptance(gap)}${since}`
}

/** The verdict where nothing is missing but what was accepted: several series may have the same gap. */
export function describeExceptions({
  series,
}: {
  series: readonly { acceptedGaps: readonly SeriesGap[] }[]
}): string[] {
  const missing = series.flatMap(({ acceptedGaps }) => acceptedGaps).filter((gap) => missingOf(gap) > 0)
  const lines = missing.map(
    (gap) => `Complete except ${counted(missingOf(gap), 'number')} of ${nameOfSource(gap)}, ${acceptance(gap)}`,
  )
  return [...new Set(lines)]
}

function acceptance({ acceptedBy: [first, second], at, reason }: SeriesGap): string {
  return `accepted by ${first} and ${second} on ${at} because: ${reason}`
}
