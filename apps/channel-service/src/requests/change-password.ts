import { hashPassword, passwordProblem } from '@hansard/credentials'
import { signInRefusal } from '@hansard/pool-store'
import type { ClientMessageOf } from '@hansard/wire'
import type { Session } from '../delivery/session.ts'
import type { ChannelServiceDeps } from '../deps.ts'

type Deps = Pick<ChannelServiceDeps, 'commands' | 'signIn' | 'config'>

/** Changes one's own password. Whoever found a session open must know the old one, and guessing it is throttled. */
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
  // The other sessions of the account end, because they are of the version before; this one goes on.
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
