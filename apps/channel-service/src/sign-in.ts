import type { ClientMessageOf } from '@hansard/wire'
import { lookAgain } from './look-again.ts'
import type { Session } from './session.ts'
import type { ChannelServiceParts } from './use-case.ts'

type Parts = Pick<ChannelServiceParts, 'db' | 'settings' | 'rooms' | 'recordPart' | 'signIn' | 'configuration'>

/** Signs a connection in, with a token from the lookup service or with account and password. */
export async function signInSession(
  parts: Parts,
  session: Session,
  message: ClientMessageOf<'sign-in'>,
): Promise<void> {
  // Who a session is never changes: not by a second sign-in, and not by one that overtakes the first.
  if (session.principal || session.signingIn) {
    return session.refuse(message.id, 'already-signed-in', 'This connection is signed in already, or about to be.')
  }
  session.signingIn = true
  try {
    await signInOnce(parts, session, message)
  } finally {
    session.signingIn = false
  }
}

async function signInOnce(
  parts: Parts,
  session: Session,
  { id, token, account, password }: ClientMessageOf<'sign-in'>,
): Promise<void> {
  const { signIn, configuration } = parts
  if (token !== undefined) {
    session.principal = await signIn.withToken(token)
    if (!session.principal)
      return session.refuse(id, 'wrong-credentials', 'The token is not valid or has expired. Sign in again.')
  } else if (account !== undefined && password !== undefined) {
    const result = await signIn.withPassword({ account, password, remote: session.remote })
    if (result.outcome === 'refused') {
      const why = WORDS[result.reason] ?? 'The sign-in was refused.'
      return session.refuse(id, result.reason, why)
    }
    session.principal = result.principal
  } else {
    return session.refuse(id, 'malformed', 'sign-in takes a token, or an account and a password.')
  }
  // What was read of the account may have been changed before this session could be found by its name.
  if (session.doubtful) await lookAgain(parts, [session])
  if (session.closing) return
  const { id: principalId, uri, name } = session.principal
  const { roomManagementUrl } = configuration
  session.send({
    t: 'signed-in',
    re: id,
    session: session.id,
    principal: { id: principalId, uri, name },
    limits: { ...configuration.limits },
    ...(roomManagementUrl === '' ? {} : { roomManagementUrl }),
  })
}

const WORDS: Readonly<Record<string, string>> = {
  'too-many-attempts': 'Too many failed attempts. Wait five minutes.',
  'wrong-credentials': 'Account or password is wrong.',
  'not-enabled': 'The policy that holds for this account does not let it use the pool.',
}
