import { hashPassword, passwordProblem } from '@hansard/credentials'
import { signInRefusal } from '@hansard/pool-store'
import type { ClientMessageOf } from '@hansard/wire'
import type { Session } from '../delivery/session.ts'
import type { ChannelServiceDeps } from '../deps.ts'

type Deps = Pick<ChannelServiceDeps, 'commands' | 'signIn' | 'config'>

/**
 * Changes the caller's password. Requires the old one, so that an open session is not enough; guessing it is
 * throttled.
 */
export async function changePassword(
  { commands, signIn, config }: Deps,
  session: Session,
  { id, password, newPassword, device }: ClientMessageOf<'change-password'>,
): Promise<void> {
  const { remote } = session
  const { account } = session.principal!
  const proved = await signIn.withPassword({ account, password, remote, device, purpose: 'prove' })
  if (proved.outcome === 'refused') return session.refuse(id, proved.reason, signInRefusal(proved))
  const problem = await passwordProblem(newPassword, { account, charactersMin: config.passwordCharactersMin })
  if (problem !== undefined) return session.refuse(id, 'invalid', problem)
  const secret = await hashPassword(newPassword)
  // The account's other sessions end, because they have the old credential version; this one continues.
  session.changingSelf = true
  try {
    const changed = await commands.changeOwnSecret(session.principal!, { secret })
    if (!changed.ok) return session.refuse(id, 'conflict', changed.message)
    const { credentialVersion } = changed.value
    session.principal = { ...session.principal!, credentialVersion }
  } finally {
    session.changingSelf = false
  }
  signIn.record.note({ outcome: 'password-changed', account, principalId: session.principal!.id, remote })
  session.send({ t: 'done', re: id })
}
