import type { Bus, PoolMessage } from '@hansard/bus'
import type { Clock } from '@hansard/clock'
import type { Database } from '@hansard/sql'
import type { Session } from '../delivery/session.ts'
import { createLiveFeeds, type LiveFeeds } from './live-feeds.ts'
import { createWatches, type Watches } from './watches.ts'

/**
 * Notifications that users get without requesting them: new content in watched rooms, matches of their feeds,
 * invitations.
 */
export type Attention = {
  readonly watches: Watches
  readonly feeds: LiveFeeds
  /** A principal has signed in: resolves when its feeds are active. */
  signedIn(session: Session): Promise<void>
  ended(session: Session): void
  /** A principal's feeds have changed: active here when this resolves, on the other services a moment later. */
  feedsChanged(principalId: number): Promise<void>
  hear(message: PoolMessage): void
  /** Compares with the record: finds what the bus has dropped. */
  compare(): Promise<void>
  stop(): void
}

export function createAttention(options: {
  db: Database
  bus: Bus
  clock: Clock
  onError: (error: unknown) => void
}): Attention {
  const { db, bus, clock, onError } = options
  let feedsReadAt = clock.uptime()
  const people = new Map<number, Set<Session>>()
  const watches = createWatches(options)
  const feeds = createLiveFeeds({ db, people, onError })

  return {
    watches,
    feeds,
    async signedIn(session) {
      if (session.closed) return
      const { id } = session.principal!
      const sessions = people.get(id)
      if (sessions) sessions.add(session)
      else people.set(id, new Set([session]))
      // Feeds that cannot be read do not block a sign-in: the next reading of all feeds includes them.
      await feeds.load(id).catch(onError)
    },
    ended(session) {
      watches.removeAll(session)
      const sessions = session.principal && people.get(session.principal.id)
      if (!sessions?.delete(session) || sessions.size > 0) return
      people.delete(session.principal!.id)
      feeds.forget(session.principal!.id)
    },
    async feedsChanged(principalId) {
      bus.publish({ t: 'feeds-changed', principals: [principalId] })
      await feeds.load(principalId)
    },
    hear(message) {
      if (message.t === 'invited') {
        for (const id of message.principals) {
          for (const session of people.get(id) ?? []) if (!session.closing) session.send({ t: 'invited' })
        }
      } else if (message.t === 'feeds-changed') {
        for (const id of message.principals) if (people.has(id)) feeds.load(id).catch(onError)
      }
    },
    async compare() {
      await watches.compare()
      if (clock.uptime() < feedsReadAt + FEEDS_EVERY_MS) return
      feedsReadAt = clock.uptime()
      await feeds.reload()
    },
    stop: () => watches.stop(),
  }
}

/** Interval at which all feeds are read again: the maximum delay of a change whose message was lost. */
const FEEDS_EVERY_MS = 60_000
