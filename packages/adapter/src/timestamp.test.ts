import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isoText, timestampAttributes } from './timestamp.ts'

describe('the three forms of a time', () => {
  it('agree with the original to the millisecond', () => {
    // 2008-03-22T18:50:42.6127374Z in the original's manual, cut to what an event's stamp holds.
    expect(Object.fromEntries(timestampAttributes(1206211842612))).toEqual({
      since1970: 1206211842612,
      string: '2008-03-22T18:50:42.612Z',
      long: '633418086426120000',
    })
  })

  it.each([
    [0, '1970-01-01T00:00:00Z'],
    [500, '1970-01-01T00:00:00.5Z'],
    [520, '1970-01-01T00:00:00.52Z'],
    [522, '1970-01-01T00:00:00.522Z'],
    [1_000_010, '1970-01-01T00:16:40.01Z'],
    [600_000, '1970-01-01T00:10:00Z'],
  ])('write %i without trailing zeros', (at, text) => {
    expect(isoText(at)).toBe(text)
  })

  it('denote the same instant', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 253_402_300_799_999 }), (at) => {
        const { since1970, string, long } = Object.fromEntries(timestampAttributes(at)) as Record<string, string>
        expect(Date.parse(string!)).toBe(since1970)
        expect((BigInt(long!) - 621_355_968_000_000_000n) / 10_000n).toBe(BigInt(since1970!))
      }),
    )
  })
})
