import type { ClientMessage, ClientMessageOf, ServerMessage, ServerMessageOf } from '@hansard/wire'
import { ClosedError, RefusedError, UncertainError } from './errors.ts'
import type { Line } from './line.ts'
import type { RoomState } from './room.ts'

/** Which reply answers which request. */
type Replies = {
  post: 'posted'
  history: 'history'
  search: 'found'
  roster: 'roster'
  rooms: 'rooms'
  room: 'room'
  categories: 'categories'
  'add-ins': 'add-ins'
  eligible: 'eligible'
  followed: 'followed'
  feeds: 'feeds'
  'open-feed': 'found'
  invitations: 'invitations'
  preference: 'preference'
  'put-preference': 'preference'
  'upload-token': 'file-token'
  'download-token': 'file-token'
  'create-room': 'room-created'
  'replace-chat': 'done'
  'delete-chat': 'done'
  'change-room': 'done'
  'change-roles': 'done'
  'disable-room': 'done'
  'enable-room': 'done'
  'delete-room': 'done'
  'clear-room': 'done'
  'purge-chats': 'done'
  follow: 'done'
  unfollow: 'done'
  'mark-read': 'done'
  watch: 'done'
  unwatch: 'done'
  'put-feed': 'done'
  'delete-feed': 'done'
  'change-password': 'done'
  'sign-out': 'done'
}
type RequestName = keyof Replies
type RequestOf<T extends RequestName> = Omit<ClientMessageOf<T>, 'id'>
export type ReplyTo<T extends RequestName> = ServerMessageOf<Replies[T]>

/** Made twice they would be refused, or be on record twice. */
const NOT_REPEATED: ReadonlySet<string> = new Set<RequestName>([
  'create-room',
  'replace-chat',
  'delete-chat',
  'change-room',
  'change-roles',
  'disable-room',
  'enable-room',
  'delete-room',
  'clear-room',
  'purge-chats',
  'delete-feed',
  'put-preference',
  'change-password',
  'sign-out',
])

type Request = {
  readonly message: Omit<ClientMessage, 'id'>
  readonly room: RoomState | undefined
  readonly resolve: (reply: ServerMessage) => void
  readonly reject: (error: Error) => void
  sent: boolean
}

/**
 * What was asked and not been answered. A lost connection is waited out: questions are asked again on the next one.
 * Changes are not, because the pool may have made them; they fail with `UncertainError`.
 */
export type Requests = {
  /** With `room`, only while that room is joined. */
  ask<T extends RequestName>(message: RequestOf<T> & { readonly t: T }, room?: RoomState): Promise<ReplyTo<T>>
  /** Takes a message that answers a request; false when it answers none. */
  answer(message: ServerMessage): boolean
  refuse(re: number, error: Error): boolean
  /** Asks again what waits: of a room that is joined, or everything that concerns none. */
  repeat(room?: RoomState): void
  connectionLost(): void
  /** Fails what waits: of a room, or everything. */
  fail(error: Error, room?: RoomState): void
}

export function createRequests(line: Line, { waitingMax }: { waitingMax: number }): Requests {
  const waiting = new Map<number, Request>()

  const send = (id: number, request: Request) => {
    if (!line.connection) return
    request.sent = true
    line.connection.send({ ...request.message, id } as ClientMessage)
  }

  const take = (re: number): Request | undefined => {
    const request = waiting.get(re)
    waiting.delete(re)
    return request
  }

  return {
    ask: (message, room) =>
      new Promise((resolve, reject) => {
        if (line.closed) return reject(new ClosedError())
        if (room?.phase === 'gone') return reject(new RefusedError('not-joined', 'You are not in this room.'))
        if (waiting.size >= waitingMax)
          return reject(new RefusedError('too-fast', `${waitingMax} questions are unanswered already.`))
        const id = line.nextId()
        const request: Request = { message, room, resolve: resolve as Request['resolve'], reject, sent: false }
        waiting.set(id, request)
        if (!room || room.phase === 'joined') send(id, request)
      }),
    answer(message) {
      if (!('re' in message) || message.re === undefined) return false
      const request = take(message.re)
      request?.resolve(message)
      return request !== undefined
    },
    refuse(re, error) {
      const request = take(re)
      request?.reject(error)
      return request !== undefined
    },
    repeat(room) {
      for (const [id, request] of waiting) if (request.room === room) send(id, request)
    },
    connectionLost() {
      for (const [id, request] of [...waiting]) {
        if (!request.sent || !NOT_REPEATED.has(request.message.t)) continue
        waiting.delete(id)
        request.reject(new UncertainError(request.message.t))
      }
    },
    fail(error, room) {
      for (const [id, request] of [...waiting]) {
        if (room && request.room !== room) continue
        waiting.delete(id)
        request.reject(error)
      }
    },
  }
}
