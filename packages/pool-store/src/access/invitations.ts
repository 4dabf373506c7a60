import type { Database } from '@hansard/sql'
import { asSeenBy } from '../lists/readable-rooms.ts'
import { applyWalls } from './walls.ts'

type Invitation = {
  /** numbers a principal's invitations in the order they were made */
  readonly id: number
  readonly room: { readonly uri: string; readonly name: string }
  readonly from: { readonly uri: string; readonly name: string }
  readonly at: number
}

/** The invitations after `after`, oldest first. Only those to rooms that the principal may join now. */
export async function invitationsOf(
  db: Database,
  { principalId, after, limit }: { principalId: number; after: number; limit: number },
): Promise<{ invitations: Invitation[]; more: boolean }> {
  const rows = await asSeenBy(db, principalId, async (identities): Promise<InvitationRow[]> => {
    const query = db
      .knex('invitation')
      .join('room', 'room.id', 'invitation.room_id')
      .whereNull('room.deleted_at')
      .andWhere('invitation.principal_id', principalId)
      .andWhere('invitation.invitation_id', '>', after)
      .orderBy('invitation.invitation_id')
      .limit(limit + 1)
    await applyWalls(db.knex, query, { identities, reach: 'joinable' })
    return query.select(
      'invitation.invitation_id as id',
      'room.uri',
      'room.name',
      'invitation.inviter_uri',
      'invitation.inviter_name',
      'invitation.created_at as at',
    )
  })
  const invitations = rows.slice(0, limit).map((row) => ({
    id: row.id,
    room: { uri: row.uri, name: row.name },
    from: { uri: row.inviter_uri, name: row.inviter_name },
    at: row.at,
  }))
  return { invitations, more: rows.length > limit }
}

type InvitationRow = {
  id: number
  uri: string
  name: string
  inviter_uri: string
  inviter_name: string
  at: number
}
