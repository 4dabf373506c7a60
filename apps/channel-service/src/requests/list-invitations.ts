import { invitationsOf } from '@hansard/pool-store'
import type { ClientMessageOf } from '@hansard/wire'
import type { Session } from '../delivery/session.ts'
import type { ChannelServiceDeps } from '../deps.ts'

/** Shows a batch of the caller's invitations to rooms it may join now. */
export async function listInvitations(
  { db }: Pick<ChannelServiceDeps, 'db'>,
  session: Session,
  { id, after, limit }: ClientMessageOf<'invitations'>,
): Promise<void> {
  const { invitations, more } = await invitationsOf(db, { principalId: session.principal!.id, after, limit })
  session.send({
    t: 'invitations',
    re: id,
    invitations: invitations.map((invitation) => ({
      invitation: invitation.id,
      room: invitation.room.uri,
      roomName: invitation.room.name,
      from: invitation.from,
      at: invitation.at,
    })),
    more,
  })
}
