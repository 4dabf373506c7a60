import { type Principal, policyEnables } from '@hansard/pool-store'
import type { ClientMessageOf } from '@hansard/wire'
import type { Session } from '../delivery/session.ts'
import { recheckMembers } from '../departures/recheck-members.ts'
import type { ChannelServiceDeps } from '../deps.ts'

type Deps = Pick<
  ChannelServiceDeps,
  'db' | 'settings' | 'config' | 'rooms' | 'recordPart' | 'signIn' | 'configuration' | 'attention' | 'connections'
>

/** Signs a connection in, with a token from the lookup service or with account and password. */
export async function signInSession(deps: Deps, session: Session, message: ClientMessageOf<'sign-in'>): Promise<void> {
  // Who a session is never changes: not by a second sign-in, and not by one that overtakes the first.
  if (session.principal || session.signingIn) {
    return session.refuse(message.id, 'already-signed-in', 'This connection is signed in already, or about to be.')
  }
  session.signingIn = true
  try {
    await signInOnce(deps, session, message)
  } finally {
    session.signingIn = false
  }
}

async function signInOnce(deps: Deps, session: Session, message: ClientMessageOf<'sign-in'>): Promise<void> {
  const { db, settings, config, configuration } = deps
  const { id } = message
  const principal = await findOut(deps, session, message)
  if (!principal) return
  if (!(await policyEnables(db, { pool: settings.pool, site: config.site, principalId: principal.id }))) {
    return session.refuse(id, 'not-enabled', 'The policy that holds for this account does not let it use the pool.')
  }
  if (session.closed || session.closing) return
  if (!deps.connections.claim(session, principal.id)) {
    const max = deps.connections.perAccountMax
    return session.refuse(
      id,
      'limit-exceeded',
      `This account has ${max} sessions here, which is as many as it may have.`,
    )
  }
  session.principal = principal
  // What was read of the account may have been changed before this session could be found by its name.
  if (session.doubtful) await recheckMembers(deps, [session])
  if (session.closing) return
  await deps.attention.signedIn(session)
  const { id: principalId, uri, name } = principal
  const { roomManagementUrl } = configuration
  session.send({
    t: 'signed-in',
    re: id,
    session: session.id,
    principal: { id: principalId, uri, name },
    limits: { ...configuration.limits },
    brief: true,
    ...(roomManagementUrl === '' ? {} : { roomManagementUrl }),
  })
}

/** Who signs in; undefined when that was refused. */
async function findOut(
  { signIn }: Deps,
  session: Session,
  { id, token, account, password }: ClientMessageOf<'sign-in'>,
): Promise<Principal | undefined> {
  if (token !== undefined) {
    const principal = await signIn.withToken(token)
    if (!principal) session.refuse(id, 'wrong-credentials', 'The token is not valid or has expired. Sign in again.')
    return principal
  }
  if (account === undefined || password === undefined) {
    session.refuse(id, 'malformed', 'sign-in takes a token, or an account and a password.')
    return undefined
  }
  const result = await signIn.withPassword({ account, password, remote: session.remote })
  if (result.outcome === 'signed-in') return result.principal
  const tooMany = result.reason === 'too-many-attempts'
  const why = tooMany ? 'Too many failed attempts. Wait five minutes.' : 'Account or password is wrong.'
  session.refuse(id, result.reason, why)
  return undefined
}
