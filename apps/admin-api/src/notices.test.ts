import { expect, it } from 'vitest'
import { noticesOf } from './notices.ts'

const anchor = (kind: 'directory' | 'time-stamps') => ({
  name: 'x',
  kind,
  problem: null,
  problemSince: null,
  lastDelivered: null,
  overdue: false,
})

it('says that a pool has no anchor, or none that keeps what it is given', () => {
  expect(noticesOf({ anchors: [] })).toEqual([
    expect.stringMatching(/^This pool has no anchor\. .*HANSARD_ANCHOR_DIRECTORY/),
  ])
  expect(noticesOf({ anchors: [anchor('time-stamps')] })).toEqual([expect.stringContaining('keeps nothing')])
  expect(noticesOf({ anchors: [anchor('time-stamps'), anchor('directory')] })).toEqual([])
})
