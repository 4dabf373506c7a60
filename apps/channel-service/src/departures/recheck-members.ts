import { enabledOf, findPrincipals, type PolicyPlace } from '@hansard/pool-store'
import type { Session } from '../delivery/session.ts'
import type { ChannelServiceDeps } from '../deps.ts'
import { partAllRooms } from './part-room.ts'

/**
 * Reads the accounts of signed-in sessions again: all of them, or those of `principals`. Pool roles take effect at
 * once. A session whose account may not use the pool any more, or whose secret was replaced, is removed from every
 * room and, once that is on record, disconnected.
 */
export async function recheckMembers(
  deps: Pick<ChannelServiceDeps, 'db' | 'settings' | 'config' | 'rooms' | 'recordPart'>,
  sessions: Iterable<Session>,
  principals?: ReadonlySet<number>,
): Promise<void> {
  const concerned = [...sessions].filter(
    ({ principal, closing }) => principal && !closing && (!principals || principals.has(principal.id)),
  )
  const principalIds = [...new Set(concerned.map((session) => session.principal!.id))]
  const found = await findPrincipals(deps.db, principalIds)
  const enabled = await enabledOf(deps.db, { ...placeOf(deps), principalIds })
  for (const session of concerned) {
    const known = session.principal!
    const now = found.get(known.id)
    if (now && enabled.has(now.id) && now.credentialVersion === known.credentialVersion) {
      session.principal = now
      continue
    }
    if (session.closing) continue
    // Close the session for reading at once; the connection ends when its departures are on record.
    session.closing = true
    const [reason, says] =
      now && enabled.has(now.id)
        ? (['disconnected', 'the secret of this account was replaced: sign in again'] as const)
        : (['removed', 'this account may not use the pool now'] as const)
    void partAllRooms(deps, session, reason).then(() => session.close(1008, says))
  }
}

/**
 * Finds sessions of accounts that may not use the pool any more, when the bus has dropped the message. Ignores roles.
 */
export async function findDisabled(
  deps: Pick<ChannelServiceDeps, 'db' | 'settings' | 'config' | 'rooms' | 'recordPart'>,
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
