import { type Principal, policyEnables, signInRefusal } from '@hansard/pool-store'
import type { ClientMessageOf } from '@hansard/wire'
import type { Session } from '../delivery/session.ts'
import { recheckMembers } from '../departures/recheck-members.ts'
import type { ChannelServiceDeps } from '../deps.ts'

type Deps = Pick<
  ChannelServiceDeps,
  | 'db'
  | 'settings'
  | 'config'
  | 'rooms'
  | 'recordPart'
  | 'signIn'
  | 'configuration'
  | 'attention'
  | 'connections'
  | 'clock'
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
  const { db, settings, config, configuration, signIn } = deps
  const { id } = message
  const known = await identify(deps, session, message)
  if (!known) return
  const { principal } = known
  if (!(await policyEnables(db, { pool: settings.pool, site: config.site, principalId: principal.id }))) {
    signIn.record.note({ outcome: 'not-enabled', ...about(session, principal) })
    return session.refuse(id, 'not-enabled', 'The policy that holds for this account does not let it use the pool.')
  }
  if (session.closed || session.closing) return
  const newDevice = await known.rememberDevice?.()
  if (session.closed || session.closing) return
  // On record before it may do anything.
  const { session: tokenSession, expiresAt } = await known.begin()
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
  session.tokenSession = tokenSession
  session.expiresAt = expiresAt
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
    expiresIn: expiresAt - deps.clock.now(),
    ...(newDevice === undefined ? {} : { device: newDevice }),
    brief: true,
    ...(roomManagementUrl === '' ? {} : { roomManagementUrl }),
  })
}

type Known = {
  readonly principal: Principal
  /** Begins the session of a password, or answers with that of a token, which is on record already. */
  readonly begin: () => Promise<{ readonly session: string; readonly expiresAt: number }>
  readonly rememberDevice?: () => Promise<string | undefined>
}

/** Who signs in; undefined when that was refused. */
async function identify(
  { signIn }: Deps,
  session: Session,
  { id, token, account, password, device }: ClientMessageOf<'sign-in'>,
): Promise<Known | undefined> {
  if (token !== undefined) {
    const holder = await signIn.withToken(token)
    if (!holder) refuseToken({ signIn }, session, id)
    return holder && { principal: holder.principal, begin: async () => holder }
  }
  if (account === undefined || password === undefined) {
    session.refuse(id, 'malformed', 'sign-in takes a token, or an account and a password.')
    return undefined
  }
  const result = await signIn.withPassword({ account, password, remote: session.remote, device })
  if (result.outcome === 'refused') {
    session.refuse(id, result.reason, signInRefusal(result))
    return undefined
  }
  const { principal, rememberDevice } = result
  const { remote } = session
  const begin = () => signIn.beginSession(principal, { remote, device: result.device })
  return { principal, begin, rememberDevice }
}

/** Lets a session go on: with a newer token of the same account it lasts as long as that. */
export async function renewSession(
  { signIn, clock }: Pick<Deps, 'signIn' | 'clock'>,
  session: Session,
  { id, token }: ClientMessageOf<'renew'>,
): Promise<void> {
  const holder = await signIn.withToken(token)
  if (!holder || holder.principal.id !== session.principal?.id) return refuseToken({ signIn }, session, id)
  session.tokenSession = holder.session
  session.expiresAt = holder.expiresAt
  session.send({ t: 'renewed', re: id, expiresIn: holder.expiresAt - clock.now() })
}

function refuseToken({ signIn }: Pick<Deps, 'signIn'>, session: Session, id: number): void {
  signIn.record.note({ outcome: 'token-refused', ...about(session, session.principal) })
  session.refuse(id, 'wrong-credentials', 'The token is not valid or has expired. Sign in again.')
}

function about({ remote }: Session, principal: Principal | undefined) {
  return { account: principal?.account ?? '', principal, remote }
}
