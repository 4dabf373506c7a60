import type { Attributes } from './xml-writer.ts'

/**
 * The three forms in which the original writes one instant, and the names of the attributes they go into.
 *
 * `since1970` milliseconds since 1970; `string` ISO 8601 with as many fractional digits as are not zero;
 * `long` .NET ticks, 100 ns since 0001-01-01. Ticks are beyond what a double holds, so the four digits
 * below the millisecond are added as text.
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
