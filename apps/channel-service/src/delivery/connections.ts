import { addressKey } from '@hansard/config'
import type { ChannelServiceConfig } from '../config.ts'
import type { Session } from './session.ts'

/**
 * All connections, and whether there may be one more.
 *
 * Connections that have not signed in have a share of the slots, and one address has a share of that. When it is used
 * up the oldest of them is closed, not the newest, because an honest client signs in at once. One account has half of
 * the slots at most.
 */
export type Connections = {
  readonly all: ReadonlySet<Session>
  /** sessions that one account may have */
  readonly perAccountMax: number
  /** Whether another connection may come from this address, perhaps in place of one that `add` closes. */
  mayConnect(address: string): boolean
  add(session: Session): void
  /** Counts the session as this account's. False when the account has its maximum of sessions here. */
  claim(session: Session, principalId: number): boolean
  remove(session: Session): void
}

type Limits = Pick<
  ChannelServiceConfig,
  'sessionsMax' | 'sessionsPerAccountMax' | 'unsignedMax' | 'unsignedPerAddressMax'
>

export function createConnections(limits: Limits): Connections {
  const { sessionsMax } = limits
  const perAccountMax = Math.min(limits.sessionsPerAccountMax, Math.ceil(sessionsMax / 2))
  const unsignedMax = Math.min(limits.unsignedMax || Math.max(1, Math.floor(sessionsMax / 4)), sessionsMax)
  const unsignedPerAddressMax = limits.unsignedPerAddressMax || Math.ceil(unsignedMax / 2)
  const all = new Set<Session>()
  // In the order they came.
  const unsigned = new Set<Session>()
  const unsignedByAddress = new Map<string, Set<Session>>()
  const accountOf = new Map<Session, number>()
  const sessionsOf = new Map<number, number>()

  /** The connections of which one must be closed for another from this address; undefined when none must. */
  const crowded = (address: string): ReadonlySet<Session> | undefined => {
    const neighbours = unsignedByAddress.get(addressKey(address))
    if (neighbours && neighbours.size >= unsignedPerAddressMax) return neighbours
    return all.size >= sessionsMax || unsigned.size >= unsignedMax ? unsigned : undefined
  }

  const noLongerUnsigned = (session: Session) => {
    unsigned.delete(session)
    const neighbours = unsignedByAddress.get(addressKey(session.remote))
    neighbours?.delete(session)
    if (neighbours?.size === 0) unsignedByAddress.delete(addressKey(session.remote))
  }

  const remove = (session: Session) => {
    all.delete(session)
    noLongerUnsigned(session)
    const account = accountOf.get(session)
    if (account === undefined) return
    accountOf.delete(session)
    const left = sessionsOf.get(account)! - 1
    if (left === 0) sessionsOf.delete(account)
    else sessionsOf.set(account, left)
  }

  return {
    all,
    perAccountMax,
    mayConnect(address) {
      const among = crowded(address)
      return !among || oldestIdle(among) !== undefined
    },
    add(session) {
      const among = crowded(session.remote)
      const oldest = among && oldestIdle(among)
      if (oldest) {
        // Its slot is free now, whether or not it answers.
        remove(oldest)
        oldest.close(1013, 'others want to sign in')
        oldest.cutOff()
      }
      all.add(session)
      unsigned.add(session)
      const neighbours = unsignedByAddress.get(addressKey(session.remote))
      if (neighbours) neighbours.add(session)
      else unsignedByAddress.set(addressKey(session.remote), new Set([session]))
    },
    claim(session, principalId) {
      const had = sessionsOf.get(principalId) ?? 0
      if (had >= perAccountMax) return false
      noLongerUnsigned(session)
      accountOf.set(session, principalId)
      sessionsOf.set(principalId, had + 1)
      return true
    },
    remove,
  }
}

/** A connection that is signing in is not idle. */
function oldestIdle(sessions: ReadonlySet<Session>): Session | undefined {
  for (const session of sessions) if (!session.signingIn) return session
  return undefined
}
