import type { ClientMessageOf } from '@hansard/wire'
import type { Session } from '../delivery/session.ts'
import { partAllRooms } from '../departures/part-room.ts'
import type { ChannelServiceDeps } from '../deps.ts'

type Deps = Pick<ChannelServiceDeps, 'commands' | 'signIn' | 'bus' | 'rooms' | 'recordPart'>

/** Ends this session and every connection with its token; or all sessions of the account. */
export async function signOut(
  deps: Deps,
  session: Session,
  { id, everywhere }: ClientMessageOf<'sign-out'>,
): Promise<void> {
  const { commands, signIn, bus } = deps
  const { principal, tokenSession, expiresAt, remote } = session
  const about = { account: principal!.account, principalId: principal!.id, remote }
  // Closed here once that is on record; other services close their connections when they receive the message.
  session.changingSelf = true
  if (everywhere) {
    const ended = await commands.signOutEverywhere(principal!, { user: principal!.uri })
    if (!ended.ok) {
      session.changingSelf = false
      return session.refuse(id, 'conflict', ended.message)
    }
    signIn.record.note({ outcome: 'signed-out-everywhere', ...about })
  } else {
    await signIn.endSession({ principal: principal!, session: tokenSession!, expiresAt, remote })
    bus.publish({ t: 'principal-changed', principals: [principal!.id] })
  }
  session.closing = true
  await partAllRooms(deps, session, 'disconnected')
  session.send({ t: 'done', re: id })
  session.close(1000, 'signed out')
}
