import { expect, it } from 'vitest'
import { describeExports, T0, T1 } from './exports-in-test.ts'
import { nameAnchors, noteAnchorProblem, readAnchors, recordDelivery } from './index.ts'

const MOUNT = { name: '/mnt/anchor', kind: 'directory' as const }
const AUTHORITY = { name: 'https://time.example/tsa', kind: 'time-stamps' as const }

describeExports('anchors', (exportsOn) => {
  it('keep what was delivered last, and since when they have failed, until they are delivered to', async () => {
    const { db, lease } = exportsOn()
    await nameAnchors(db, lease, [MOUNT, AUTHORITY])
    for (const number of [9, 10])
      await recordDelivery(db, lease, { anchor: MOUNT.name, number, stem: `pool-${number}`, deliveredAt: T0 + number })
    // A worker that died between writing and recording delivers again.
    await recordDelivery(db, lease, { anchor: MOUNT.name, number: 10, stem: 'pool-10', deliveredAt: T0 + 11 })
    for (const now of [T0, T1])
      await noteAnchorProblem(db, lease, { anchor: AUTHORITY.name, problem: `at ${now}`, now })

    const fine = { problem: null, problemSince: null }
    const delivered = { number: 10, stem: 'pool-10', deliveredAt: T0 + 11 }
    expect(await readAnchors(db)).toEqual([
      { ...MOUNT, ...fine, lastDelivered: delivered },
      { ...AUTHORITY, problem: `at ${T1}`, problemSince: T0, lastDelivered: null },
    ])
    const late = { number: 11, stem: 'pool-11', deliveredAt: T1 }
    await recordDelivery(db, lease, { anchor: AUTHORITY.name, ...late })
    expect((await readAnchors(db))[1]).toEqual({ ...AUTHORITY, ...fine, lastDelivered: late })

    await noteAnchorProblem(db, lease, { anchor: MOUNT.name, problem: 'of long ago', now: T0 })
    await nameAnchors(db, lease, [AUTHORITY])
    expect((await readAnchors(db)).map(({ name }) => name)).toEqual([AUTHORITY.name])
    await nameAnchors(db, lease, [])
    expect(await readAnchors(db)).toEqual([])
    // What was delivered to it is still known when it is back.
    await nameAnchors(db, lease, [MOUNT])
    expect(await readAnchors(db)).toEqual([{ ...MOUNT, ...fine, lastDelivered: delivered }])
  })
})
