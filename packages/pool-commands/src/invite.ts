import { identitiesOfMany, loadScope, principalsWithin } from '@hansard/pool-store'
import { standingOf } from '@hansard/rooms'
import type { Knex } from '@hansard/sql'
import type { CommandActor } from './context.ts'
import { BATCH, type Named } from './named-principals.ts'

/** A change with more new members than this invites nobody: a room for the whole firm needs no letter to everybody. */
const INVITED_MAX = 10_000

/** Ids of the invited users; empty if there would have been too many. */
export type Invited = { readonly ids: readonly number[]; readonly tooMany: boolean }

export const INVITED_NOBODY: Invited = { ids: [], tooMany: false }

/**
 * Invites the principals added to a room's members. Groups and domains stand for their users, as far as the category
 * allows them.
 */
export async function invite(
  tx: Knex.Transaction,
  {
    roomId,
    categoryId,
    added,
    by,
    at,
  }: { roomId: number; categoryId: number; added: readonly Named[]; by: CommandActor; at: number },
): Promise<Invited> {
  const people = new Set<number>()
  for (const { id, type } of added) {
    if (type === 'user') people.add(id)
    else for (const within of await principalsWithin(tx, id)) people.add(within)
    if (people.size > INVITED_MAX) return { ids: [], tooMany: true }
  }
  people.delete(by.id)
  const scope = await loadScope(tx, categoryId)
  const invited: number[] = []
  const ids = [...people].sort((a, b) => a - b)
  for (let from = 0; from < ids.length; from += BATCH) {
    const identities = await identitiesOfMany(tx, ids.slice(from, from + BATCH))
    const within = [...identities]
      .filter(([, held]) => standingOf(held, { scope, roles: NO_ROLES, administrator: false }).inScope)
      .map(([id]) => id)
    const users = () => tx('principal').whereIn('id', within).andWhere({ type: 'user', disabled: false })
    await users().update({ last_invitation_id: tx.raw('last_invitation_id + 1') })
    const rows: { id: number; last_invitation_id: number }[] = await users().select('id', 'last_invitation_id')
    if (rows.length === 0) continue
    await tx('invitation').insert(
      rows.map((row) => ({
        principal_id: row.id,
        invitation_id: row.last_invitation_id,
        room_id: roomId,
        inviter_uri: by.uri,
        inviter_name: by.name,
        created_at: at,
      })),
    )
    invited.push(...rows.map((row) => row.id))
  }
  return { ids: invited, tooMany: false }
}

const NO_ROLES = { members: new Set<number>(), managers: new Set<number>(), presenters: new Set<number>() }
