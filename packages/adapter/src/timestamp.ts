import type { Attributes } from './xml-writer.ts'

/**
 * The original's three forms of one instant, and the names of their attributes.
 *
 * `since1970`: milliseconds since 1970; `string`: ISO 8601 without trailing zeros in the fraction; `long`: .NET
 * ticks, 100 ns since 0001-01-01. Ticks exceed the exact range of a double, so the four digits below the millisecond
 * are appended as text.
 */
export function timestampAttributes(at: number): Attributes {
  return [
    ['since1970', at],
    ['string', isoText(at)],
    ['long', `${at + MS_BEFORE_1970}0000`],
  ]
}

/** `2008-03-22T18:50:42.61Z`; a whole second has no fraction. */
export function isoText(at: number): string {
  const iso = new Date(at).toISOString()
  if (at % 10 !== 0) return iso
  return iso.replace(/\.?0+Z$/, 'Z')
}

const MS_BEFORE_1970 = 62_135_596_800_000
