import { expect, it } from 'vitest'
import { describeExports, T0, T1, T2 } from './exports-in-test.ts'
import { recordSourceProgress, rollCallTakenAt } from './index.ts'

const HOUR = 3_600_000

describeExports('source progress', (exportsOn) => {
  it('that was taken at a false time in the future gives way to the next one, and a late one does not', async () => {
    const { db, pool } = exportsOn()
    pool.source('chat-1', { startedAt: T0 }).reports(T1)
    const record = async (takenAt: number, now: number) => {
      await recordSourceProgress(db, pool.rollCall(takenAt), { now })
      return rollCallTakenAt(db)
    }

    expect(await record(T1, T1)).toBe(T1)
    expect(await record(T1 + 3 * HOUR, T1)).toBe(T1 + 3 * HOUR)
    expect(await record(T1 + 1, T1 + 1)).toBe(T1 + 1)
    // Its database's clock is a minute ahead, which may be.
    expect(await record(T2, T2 - 60_000)).toBe(T2)
    expect(await record(T1 + 2, T2 - 60_000)).toBe(T2)
  })
})
