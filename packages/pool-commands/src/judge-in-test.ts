import { loadRoomAccess, type Principal, standingsIn } from '@hansard/pool-store'
import { decide, ROOM_OPERATIONS } from '@hansard/rooms'
import type { PoolInTest } from './pool-in-test.ts'

type Judged = { readonly rights: number; readonly decisions: ReadonlyMap<string, string> }

/** What every principal may do in every room, with the rights version. */
export async function judge(pool: PoolInTest, people: readonly Principal[]): Promise<Map<number, Judged>> {
  const rooms: { id: number }[] = await pool.db.knex('room').whereNotNull('category_id').whereNull('deleted_at')
  const found = new Map<number, Judged>()
  for (const { id } of rooms) {
    const access = (await loadRoomAccess(pool.db, { id }))!
    const standings = await standingsIn(pool.db, access, people)
    const decisions = new Map<string, string>()
    for (const who of people) {
      for (const operation of ROOM_OPERATIONS) {
        const decision = decide(operation, access.rules, standings.get(who.id)!, access.settings)
        decisions.set(`${who.account} ${operation}`, decision.allowed ? 'allowed' : decision.reason)
      }
    }
    found.set(id, { rights: access.room.rights, decisions })
  }
  return found
}
