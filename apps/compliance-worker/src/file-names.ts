import { MANIFEST_SUFFIX } from '@hansard/evidence'

/** What an export's name is made of: kind, number and interval. */
type Named = {
  readonly kind: 'interval' | 'addendum'
  readonly number: number
  readonly startsAt: number
  readonly endsAt: number
}

/**
 * The prefix of an export's file names: `20261120T231500Z_20261120T233000Z`, so that a listing sorted by name is
 * sorted by time. UTC, whole seconds unless the interval was closed by hand. An addendum's prefix contains the
 * interval it adds to and its own number: no two exports of an adapter share a name.
 */
export function stemOf({ kind, number, startsAt, endsAt }: Named): string {
  const interval = `${compact(startsAt)}_${compact(endsAt)}`
  return kind === 'interval' ? interval : `${interval}_addendum-${number}`
}

export function chainFileOf(planned: Named): string {
  return `${stemOf(planned)}.chain.txt`
}

export function manifestFileOf(planned: Named): string {
  return `${stemOf(planned)}${MANIFEST_SUFFIX}`
}

/**
 * Whether the file is part of the export with this stem. Names of addenda continue with an underscore after the stem.
 */
export function belongsTo(stem: string, name: string): boolean {
  return name.startsWith(`${stem}-`) || name.startsWith(`${stem}.`)
}

function compact(at: number): string {
  return new Date(at).toISOString().replace(/[-:]/g, '').replace('.000', '')
}
