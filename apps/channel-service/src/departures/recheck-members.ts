import { enabledOf, findPrincipals, type PolicyPlace, sessionsEndedSince } from '@hansard/pool-store'
import type { Session } from '../delivery/session.ts'
import type { ChannelServiceDeps } from '../deps.ts'
import { partAllRooms } from './part-room.ts'

/**
 * Reads the accounts of signed-in sessions again: all of them, or those of `principals`. Pool roles take effect at
 * once. A session whose account may not use the pool any more, or whose secret was replaced, is removed from every
 * room and, once that is on record, disconnected.
 */
export async function recheckMembers(
  deps: Pick<ChannelServiceDeps, 'db' | 'settings' | 'config' | 'rooms' | 'recordPart' | 'clock'>,
  sessions: Iterable<Session>,
  principals?: ReadonlySet<number>,
): Promise<void> {
  const concerned = [...sessions].filter(
    ({ principal, closing }) => principal && !closing && (!principals || principals.has(principal.id)),
  )
  const principalIds = [...new Set(concerned.map((session) => session.principal!.id))]
  const found = await findPrincipals(deps.db, principalIds)
  const enabled = await enabledOf(deps.db, { ...placeOf(deps), principalIds })
  const ended = await sessionsEndedSince(deps.db, deps.clock.now() - ENDED_WITHIN_MS)
  for (const session of concerned) {
    // It is changing its own credentials, and ends or continues by itself.
    if (session.changingSelf) continue
    const known = session.principal!
    const now = found.get(known.id)
    const isEnded = session.tokenSession !== undefined && ended.has(session.tokenSession)
    if (now && enabled.has(now.id) && now.credentialVersion <= known.credentialVersion && !isEnded) {
      // A lower version was read before the session changed its own password.
      if (now.credentialVersion === known.credentialVersion) session.principal = now
      continue
    }
    if (session.closing) continue
    // Close the session for reading at once; the connection ends when its departures are on record.
    session.closing = true
    const [reason, says] =
      now && enabled.has(now.id)
        ? (['disconnected', 'this session was ended, or the secret of the account replaced: sign in again'] as const)
        : (['removed', 'this account may not use the pool now'] as const)
    void partAllRooms(deps, session, reason).then(() => session.close(1008, says))
  }
}

/** All sessions are checked every ten seconds, in case a message about ended sessions was lost. */
const ENDED_WITHIN_MS = 60_000

/** Ends sessions whose token has expired and that were not renewed. */
export function endExpired(
  deps: Pick<ChannelServiceDeps, 'rooms' | 'recordPart' | 'clock' | 'signIn'>,
  sessions: Iterable<Session>,
): void {
  const now = deps.clock.now()
  for (const session of sessions) {
    const { principal, expiresAt, remote } = session
    if (!principal || session.closing || expiresAt > now) continue
    session.closing = true
    deps.signIn.record.note({
      outcome: 'session-expired',
      account: principal.account,
      principalId: principal.id,
      remote,
    })
    void partAllRooms(deps, session, 'disconnected').then(() =>
      session.close(1008, 'this session has expired: sign in again'),
    )
  }
}

/**
 * Finds sessions of accounts that may not use the pool any more, when the bus has dropped the message. Ignores roles.
 */
export async function findDisabled(
  deps: Pick<ChannelServiceDeps, 'db' | 'settings' | 'config' | 'rooms' | 'recordPart' | 'clock'>,
  sessions: Iterable<Session>,
): Promise<void> {
  const all = [...sessions]
  const ids = new Set(all.flatMap(({ principal, closing }) => (principal && !closing ? [principal.id] : [])))
  const enabled = await enabledOf(deps.db, { ...placeOf(deps), principalIds: [...ids] })
  const disabled = ids.difference(enabled)
  if (disabled.size > 0) await recheckMembers(deps, all, disabled)
}

function placeOf({ settings, config }: Pick<ChannelServiceDeps, 'settings' | 'config'>): PolicyPlace {
  return { pool: settings.pool, site: config.site }
}
