import type { ServerMessage, ServerMessageOf } from '@hansard/wire'
import { createClientRooms } from './client-rooms.ts'
import type { Connection } from './connection.ts'
import { ClosedError, RefusedError } from './errors.ts'
import { createLine } from './line.ts'
import { fileUrls } from './may-follow.ts'
import { createPoolRequests, type PoolRequests } from './pool-requests.ts'
import { createPosts } from './posts.ts'
import { createRequests } from './requests.ts'
import type { RoomHandle, RoomListeners } from './room.ts'
import { type SessionSettings, startSession } from './session.ts'

export type ClientListeners = {
  /** The connection is gone; the next attempt is in `delayMs`. Called before every attempt. */
  readonly onReconnecting?: (about: { attempt: number; delayMs: number; cause: Error }) => void
  /** Signed in again. Rooms are being joined again, and what was not acknowledged is being posted again. */
  readonly onReconnected?: () => void
  /** Something was posted in a room that you watch. */
  readonly onNewContent?: (about: { room: string; last: number }) => void
  /** A feed of yours lets this chat through. */
  readonly onFeedMatch?: (about: { feed: string; room: string; chat: number }) => void
  /** Invitations are waiting: ask for them. */
  readonly onInvited?: () => void
  /** Nothing more will happen. `cause` is absent when the program closed the client itself. */
  readonly onClosed?: (cause?: Error) => void
}

export type PoolClient = PoolRequests & {
  readonly principal: { readonly id: number; readonly uri: string; readonly name: string }
  /** What the pool allows (see `Limits` of the protocol). */
  readonly limits: Readonly<Record<string, number>>
  /** Where rooms are managed in a browser, when the pool names a place. */
  readonly roomManagementUrl: string | undefined
  /** Base URLs of the pool's file services: a token is good at all of them. */
  readonly fileServices: readonly string[]
  readonly state: 'connected' | 'reconnecting' | 'closed'
  /**
   * Comes into a room, by its URI. With `after`, the last chat id you have, everything after it is
   * delivered first, in order.
   */
  join(room: string, options?: RoomListeners & { after?: number }): Promise<RoomHandle>
  /** Asks for `onNewContent` of a room that you may read, without joining it, until `unwatch`. */
  watch(room: string): Promise<void>
  unwatch(room: string): Promise<void>
  /** Changes the password. Other sessions of the account end; this client goes on with the new one. */
  changePassword(change: { password: string; newPassword: string }): Promise<void>
  /** Ends this session at the pool, or with `everywhere` all of the account, and closes the client. */
  signOut(options?: { everywhere?: boolean }): Promise<void>
  /** Ends everything. What has not been answered fails with `ClosedError`. */
  close(): Promise<void>
}

type ClientSettings = SessionSettings & {
  /** posts that may wait in memory for their turn; above it `post` fails with `too-fast` */
  readonly postsWaitingMax: number
  readonly fileServices: readonly string[]
  /** requests (history, roster, rooms …) that may be unanswered */
  readonly readsMax: number
}

/** Refusals that mean "not now" of a join or a post. */
const PASSING = new Set<string>(['try-again', 'too-fast', 'stopping'])

/**
 * A signed-in person's side of the pool, which outlives any one connection.
 *
 * The danger is in the gap between two connections: a post whose acknowledgement was lost must be neither
 * lost nor recorded twice, and a room must be read on without a missing or repeated chat. So nothing is
 * kept of a connection itself. There is one list of what the program wants (rooms to be in, posts to be
 * recorded, questions to be answered), and a new connection is simply told all of it again, under the same
 * names.
 */
export function startClient(settings: ClientSettings, listeners: ClientListeners): Promise<PoolClient> {
  const line = createLine()
  const requests = createRequests(line, { waitingMax: settings.readsMax })
  const posts = createPosts(line, settings)
  const rooms = createClientRooms(line, { posts, requests }, settings)
  const watched = new Set<string>()
  let firstAnswer: { resolve(client: PoolClient): void; reject(error: Error): void } | undefined
  let roomManagementUrl: string | undefined

  const up = (opened: Connection) => {
    line.connection = opened
    line.limits = opened.signedIn.limits
    roomManagementUrl = opened.signedIn.roomManagementUrl
    posts.queue.inFlightMax = line.limits['postsInFlightMax'] ?? 64
    if (firstAnswer) {
      firstAnswer.resolve(client)
      firstAnswer = undefined
    } else {
      listeners.onReconnected?.()
    }
    rooms.connected()
    requests.repeat()
    // A room that may not be read any more is not watched any more.
    for (const room of watched) requests.ask({ t: 'watch', room }).catch(() => {})
  }

  const down = () => {
    line.connection = undefined
    posts.queue.putAllBack()
    requests.connectionLost()
    rooms.connectionLost()
  }

  const finish = (cause?: Error) => {
    line.closed = true
    line.connection = undefined
    const error = new ClosedError(cause)
    for (const post of posts.queue.remove()) post.reject(error)
    requests.fail(error)
    rooms.close(error)
    if (firstAnswer) firstAnswer.reject(cause ?? error)
    else listeners.onClosed?.(cause)
    firstAnswer = undefined
  }

  const receive = (message: ServerMessage) => {
    if (rooms.receive(message)) return
    switch (message.t) {
      case 'posted': {
        const settled = posts.queue.settle(message.re)
        if (!settled) return void requests.answer(message)
        settled.room.attempt = 0
        settled.resolve({ chat: message.chat, at: message.at })
        posts.pump()
        rooms.partWhenQuiet(settled.room)
        return
      }
      case 'new-content':
        return listeners.onNewContent?.({ room: message.room, last: message.last })
      case 'feed-match':
        return listeners.onFeedMatch?.({ feed: message.feed, room: message.room, chat: message.chat })
      case 'invited':
        return listeners.onInvited?.()
      case 'refused':
        return refused(message)
      default:
        requests.answer(message)
    }
  }

  const refused = (message: ServerMessageOf<'refused'>) => {
    const { re, code } = message
    if (code === 'stopping') session.moveOn()
    if (re === undefined) return
    const error = new RefusedError(code, message.message)
    const passing = PASSING.has(code)
    if (rooms.refused(re, error, passing) || requests.refuse(re, error)) return
    if (passing) {
      const waiting = posts.queue.putBack(re)
      if (waiting) posts.pause(waiting.room)
      return
    }
    const failedPost = posts.queue.settle(re)
    if (!failedPost) return
    failedPost.reject(error)
    posts.pump()
    rooms.partWhenQuiet(failedPost.room)
  }

  const client: PoolClient = {
    ...createPoolRequests(requests, (url) => fileUrls(session.signedIn!.endpoint, url, settings.fileServices)),
    get principal() {
      return session.signedIn!.principal
    },
    get limits() {
      return line.limits
    },
    get roomManagementUrl() {
      return roomManagementUrl
    },
    fileServices: settings.fileServices,
    get state() {
      if (line.closed) return 'closed'
      return line.connection ? 'connected' : 'reconnecting'
    },
    join: (room, options = {}) => rooms.join(room, options),
    async watch(room) {
      await requests.ask({ t: 'watch', room })
      watched.add(room)
    },
    async unwatch(room) {
      watched.delete(room)
      await requests.ask({ t: 'unwatch', room })
    },
    async changePassword({ password, newPassword }) {
      await requests.ask({ t: 'change-password', password, newPassword, device: session.device })
      session.passwordChanged(newPassword)
    },
    async signOut({ everywhere = false } = {}) {
      await requests.ask({ t: 'sign-out', everywhere })
      await client.close()
    },
    close: async () => {
      if (!line.closed) finish()
      await session.close()
    },
  }

  const session = startSession(settings, {
    up,
    message: receive,
    down,
    waiting: (about) => listeners.onReconnecting?.(about),
    over: finish,
  })
  return new Promise((resolve, reject) => {
    firstAnswer = { resolve, reject }
  })
}
