import type { ChannelServiceConfig } from '../config.ts'
import type { Session } from './session.ts'

/**
 * Everybody's connections, and who may have one more.
 *
 * A slot is worth something only to those who sign in. So connections that have not done so have a share of the slots, and
 * one address a share of that; when it is used up the oldest of them goes, not the newest, because whoever means to sign in
 * does so at once. Nor has one account all slots: half of them at most, however few there are.
 */
export type Connections = {
  readonly all: ReadonlySet<Session>
  /** sessions that one account may have */
  readonly perAccountMax: number
  /** Whether another connection may come from this address, perhaps in place of one that `add` sends away. */
  mayConnect(address: string): boolean
  add(session: Session): void
  /** Lets the session be this account's. False when the account has as many sessions here as it may have. */
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

  /** Among whom one must go for another to come from this address: undefined when there is room for both. */
  const crowded = (address: string): ReadonlySet<Session> | undefined => {
    const neighbours = unsignedByAddress.get(address)
    if (neighbours && neighbours.size >= unsignedPerAddressMax) return neighbours
    return all.size >= sessionsMax || unsigned.size >= unsignedMax ? unsigned : undefined
  }

  const noLongerUnsigned = (session: Session) => {
    unsigned.delete(session)
    const neighbours = unsignedByAddress.get(session.remote)
    neighbours?.delete(session)
    if (neighbours?.size === 0) unsignedByAddress.delete(session.remote)
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
      const neighbours = unsignedByAddress.get(session.remote)
      if (neighbours) neighbours.add(session)
      else unsignedByAddress.set(session.remote, new Set([session]))
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

/** One that is signing in is not idle: it will be somebody's in a moment, or is told that it is not. */
function oldestIdle(sessions: ReadonlySet<Session>): Session | undefined {
  for (const session of sessions) if (!session.signingIn) return session
  return undefined
}
