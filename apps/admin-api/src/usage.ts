import { usageOf } from '@hansard/pool-store'
import type { Handle } from './call.ts'
import { AdminProblem } from './problems.ts'

const THIRTY_DAYS_MS = 30 * 86_400_000
const INACTIVE_MAX = 1_000

/** One report at a time: each reads every chat of the pool. */
export function createUsageReport(): Handle<'usageReport'> {
  let making = false
  return async (deps, call) => {
    const { end = deps.clock.now(), start = Math.max(0, end - THIRTY_DAYS_MS), ...rest } = call.query
    if (start >= end) throw new AdminProblem('malformed', 'start: the report must begin before it ends')
    if (making) throw new AdminProblem('try-again', 'Another usage report is running. Try again in a moment.')
    making = true
    try {
      const usage = await usageOf(deps.poolDb, { start, end, ...rest, inactiveMax: INACTIVE_MAX })
      const { inactiveRooms, moreInactiveRooms, ...used } = usage
      return {
        start,
        end,
        ...used,
        topUsers: [...used.topUsers],
        topRooms: [...used.topRooms],
        leastActiveRooms: [...used.leastActiveRooms],
        roomsInactiveSince:
          rest.roomsInactiveSince === undefined
            ? null
            : { since: rest.roomsInactiveSince, rooms: [...inactiveRooms], more: moreInactiveRooms },
      }
    } finally {
      making = false
    }
  }
}
