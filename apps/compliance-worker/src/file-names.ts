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

const MANIFEST_NAME =
  /^(\d{8}T\d{6}(?:\.\d{3})?Z)_(\d{8}T\d{6}(?:\.\d{3})?Z)(?:_addendum-([1-9]\d{0,8}))?\.manifest\.json$/

/** What a manifest's name says; undefined for any other name. Only an addendum's name has its number. */
export function parseManifestName(
  name: string,
): { kind: 'interval' | 'addendum'; number: number | undefined; startsAt: number } | undefined {
  const match = MANIFEST_NAME.exec(name)
  if (!match) return undefined
  const startsAt = expanded(match[1]!)
  if (Number.isNaN(startsAt)) return undefined
  if (match[3] === undefined) return { kind: 'interval', number: undefined, startsAt }
  return { kind: 'addendum', number: Number(match[3]), startsAt }
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

function expanded(text: string): number {
  return Date.parse(text.replace(/^(....)(..)(..T..)(..)/, '$1-$2-$3:$4:'))
}
