import type { ClientMessage, ServerMessage, ServerMessageOf } from '@hansard/wire'
import { backoffMs } from './backoff.ts'
import type { Connection } from './connection.ts'
import { ClosedError, RefusedError } from './errors.ts'
import { createPostQueue } from './post-queue.ts'
import { judgeChat, type Person, type Posted, type RoomHandle, type RoomListeners, type RoomState } from './room.ts'
import { type SessionSettings, startSession } from './session.ts'

export type RoomEntry = ServerMessageOf<'rooms'>['rooms'][number]

export type ClientListeners = {
  /** The connection is gone; the next attempt is in `delayMs`. Called before every attempt. */
  readonly onReconnecting?: (about: { attempt: number; delayMs: number; cause: Error }) => void
  /** Signed in again. Rooms are being joined again, and what was not acknowledged is being posted again. */
  readonly onReconnected?: () => void
  /** Nothing more will happen. `cause` is absent when the program closed the client itself. */
  readonly onClosed?: (cause?: Error) => void
}

export type PoolClient = {
  readonly principal: { readonly id: number; readonly uri: string; readonly name: string }
  /** What the pool allows (see `Limits` of the protocol). */
  readonly limits: Readonly<Record<string, number>>
  readonly state: 'connected' | 'reconnecting' | 'closed'
  /**
   * Comes into a room, by its URI. With `after`, the last chat id you have, everything after it is
   * delivered first, in order.
   */
  join(room: string, options?: RoomListeners & { after?: number }): Promise<RoomHandle>
  /** The rooms you may join. */
  rooms(): Promise<RoomEntry[]>
  /** Ends everything. What has not been answered fails with `ClosedError`. */
  close(): Promise<void>
}

export type ClientSettings = SessionSettings & {
  /** posts that may wait in memory for their turn; above it `post` fails with `too-fast` */
  readonly postsWaitingMax: number
  /** questions (history, roster, rooms) that may be unanswered */
  readonly readsMax: number
}

type Read = {
  readonly message: DistributiveOmit<ClientMessage, 'id'>
  readonly room: RoomState | undefined
  readonly resolve: (reply: ServerMessage) => void
  readonly reject: (error: Error) => void
}
type DistributiveOmit<T, K extends keyof never> = T extends unknown ? Omit<T, K> : never

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
  const { timing } = settings
  let state: PoolClient['state'] = 'reconnecting'
  let connection: Connection | undefined
  let limits: Readonly<Record<string, number>> = {}
  let firstAnswer: { resolve(client: PoolClient): void; reject(error: Error): void } | undefined
  let nextId = 1
  let nextPost = 1
  const namePrefix = newNamePrefix()
  const rooms = new Map<string, RoomState>()
  const joins = new Map<number, RoomState>()
  const parts = new Map<number, RoomState>()
  const reads = new Map<number, Read>()
  const posts = createPostQueue<RoomState>({ inFlightMax: 1, waitingMax: settings.postsWaitingMax })

  // --- the connection

  const up = (opened: Connection) => {
    connection = opened
    limits = opened.signedIn.limits
    posts.inFlightMax = limits['postsInFlightMax'] ?? 64
    state = 'connected'
    if (firstAnswer) {
      firstAnswer.resolve(client)
      firstAnswer = undefined
    } else {
      listeners.onReconnected?.()
    }
    for (const room of [...rooms.values()]) comeIn(room)
    for (const [id, read] of [...reads]) if (!read.room) ask(id, read)
  }

  const down = () => {
    connection = undefined
    state = 'reconnecting'
    posts.putAllBack()
    joins.clear()
    parts.clear()
    for (const room of [...rooms.values()]) {
      // A connection that ends takes its participants out of their rooms.
      if (room.parted && !posts.has(room)) leave(room)
      else room.phase = 'away'
    }
  }

  const finish = (cause?: Error) => {
    state = 'closed'
    connection = undefined
    const error = new ClosedError(cause)
    for (const post of posts.remove()) post.reject(error)
    for (const read of reads.values()) read.reject(error)
    for (const room of rooms.values()) {
      room.phase = 'gone'
      room.answer?.reject(error)
      room.parted?.()
    }
    reads.clear()
    rooms.clear()
    if (firstAnswer) firstAnswer.reject(cause ?? error)
    else listeners.onClosed?.(cause)
    firstAnswer = undefined
  }

  // --- rooms

  const comeIn = (room: RoomState) => {
    if (!connection || room.phase !== 'away') return
    const id = nextId++
    joins.set(id, room)
    room.phase = 'joining'
    connection.send({ t: 'join', id, room: room.uri, ...(room.last === undefined ? {} : { after: room.last }) })
  }

  const joined = (room: RoomState, message: ServerMessageOf<'joined'>) => {
    if (room.uri !== message.room) {
      rooms.delete(room.uri)
      rooms.set(message.room, room)
      room.uri = message.room
    }
    room.name = message.name
    room.attempt = 0
    room.last ??= message.last
    room.phase = 'joined'
    if (room.answer) {
      room.answer.resolve(handleOf(room))
      room.answer = undefined
    } else {
      room.listeners.onRejoined?.()
    }
    for (const [id, read] of [...reads]) if (read.room === room) ask(id, read)
    pump()
    partWhenQuiet(room)
  }

  const leave = (room: RoomState, error?: Error) => {
    room.phase = 'gone'
    rooms.delete(room.uri)
    for (const post of posts.remove(room))
      post.reject(error ?? new RefusedError('not-joined', 'You have left the room.'))
    for (const [id, read] of reads) {
      if (read.room !== room) continue
      reads.delete(id)
      read.reject(error ?? new RefusedError('not-joined', 'You have left the room.'))
    }
    room.parted?.()
    if (room.answer) room.answer.reject(error!)
    else if (error) room.listeners.onClosed?.(error.message)
  }

  const partWhenQuiet = (room: RoomState) => {
    if (!room.parted || room.phase !== 'joined' || posts.has(room)) return
    const id = nextId++
    parts.set(id, room)
    connection?.send({ t: 'part', id, room: room.uri })
  }

  const handleOf = (room: RoomState): RoomHandle => ({
    get uri() {
      return room.uri
    },
    get name() {
      return room.name
    },
    get last() {
      return room.last ?? 0
    },
    post: (text, options) => post(room, text, options?.name),
    history: async (options) => {
      const reply = await read({ t: 'history', room: room.uri, ...options }, room)
      const { chats, more } = reply as ServerMessageOf<'history'>
      return { chats, more }
    },
    roster: async () => {
      const reply = await read({ t: 'roster', room: room.uri }, room)
      return (reply as ServerMessageOf<'roster'>).participants as Person[]
    },
    part: () =>
      new Promise<void>((resolve) => {
        if (room.phase === 'gone') return resolve()
        const before = room.parted
        room.parted = () => {
          before?.()
          resolve()
        }
        if (before) return
        if (room.phase === 'away' && !posts.has(room)) leave(room)
        else partWhenQuiet(room)
      }),
  })

  // --- posts

  const post = (room: RoomState, text: string, name?: string): Promise<Posted> =>
    new Promise((resolve, reject) => {
      if (isClosed()) return reject(new ClosedError())
      if (room.phase === 'gone' || room.parted)
        return reject(new RefusedError('not-joined', 'You are not in this room.'))
      if (text === '') return reject(new RefusedError('malformed', 'A chat may not be empty.'))
      const bytesMax = limits['chatBytesMax'] ?? 65_536
      if (text.length * 3 > bytesMax && new TextEncoder().encode(text).length > bytesMax)
        return reject(new RefusedError('too-long', `A chat may have at most ${bytesMax} bytes.`))
      const n = nextPost++
      const taken = posts.add({ n, room, name: name ?? `${namePrefix}-${n}`, text, again: false, resolve, reject })
      if (!taken) return reject(new RefusedError('too-fast', `${settings.postsWaitingMax} chats are waiting already.`))
      pump()
    })

  const maySend = (room: RoomState) => room.phase === 'joined' && !room.paused

  const pump = () => {
    while (connection) {
      const taken = posts.take(nextId, maySend)
      if (!taken) return
      const id = nextId++
      connection.send({
        t: 'post',
        id,
        room: taken.room.uri,
        post: taken.name,
        text: taken.text,
        ...(taken.again ? { again: true } : {}),
      })
      taken.again = true
    }
  }

  const pause = (room: RoomState) => {
    if (room.paused) return
    room.paused = true
    timing.after(backoffMs(room.attempt++, settings.backoff, timing.random), () => {
      room.paused = false
      pump()
    })
  }

  // --- questions

  const read = (message: Read['message'], room?: RoomState): Promise<ServerMessage> =>
    new Promise((resolve, reject) => {
      if (isClosed()) return reject(new ClosedError())
      if (room?.phase === 'gone') return reject(new RefusedError('not-joined', 'You are not in this room.'))
      if (reads.size >= settings.readsMax)
        return reject(new RefusedError('too-fast', `${settings.readsMax} questions are unanswered already.`))
      const id = nextId++
      const asked = { message, room, resolve, reject }
      reads.set(id, asked)
      if (!room || room.phase === 'joined') ask(id, asked)
    })

  const ask = (id: number, { message }: Read) => connection?.send({ ...message, id } as ClientMessage)

  // --- what comes in

  const receive = (message: ServerMessage) => {
    switch (message.t) {
      case 'chat': {
        const room = rooms.get(message.room)
        if (!room || room.phase === 'away' || room.phase === 'joining') return
        const verdict = judgeChat(room, message.chat)
        if (verdict === 'duplicate') return
        if (verdict === 'hole') {
          room.holeAfter = room.last
          connection?.drop(`chats after ${room.last} of ${room.name} are missing`)
          return
        }
        room.last = message.chat
        room.listeners.onChat?.({ chat: message.chat, at: message.at, from: message.from, text: message.text })
        return
      }
      case 'posted': {
        const settled = posts.settle(message.re)
        if (!settled) return
        settled.room.attempt = 0
        settled.resolve({ chat: message.chat, at: message.at })
        pump()
        partWhenQuiet(settled.room)
        return
      }
      case 'participant-joined':
        rooms.get(message.room)?.listeners.onJoined?.(message.who)
        return
      case 'participant-parted':
        rooms.get(message.room)?.listeners.onParted?.(message.who)
        return
      case 'room-closed': {
        const room = rooms.get(message.room)
        if (room) leave(room, new RefusedError('not-joined', message.reason))
        return
      }
      case 'joined': {
        const room = joins.get(message.re)
        joins.delete(message.re)
        if (room) joined(room, message)
        return
      }
      case 'parted': {
        const room = parts.get(message.re)
        parts.delete(message.re)
        if (room) leave(room)
        return
      }
      case 'refused':
        refused(message)
        return
      case 'history':
      case 'roster':
      case 'rooms': {
        const asked = reads.get(message.re)
        reads.delete(message.re)
        asked?.resolve(message)
        return
      }
    }
  }

  const refused = (message: ServerMessageOf<'refused'>) => {
    if (message.code === 'stopping') session.moveOn()
    if (message.re === undefined) return
    const error = new RefusedError(message.code, message.message)
    const passing = PASSING.has(message.code)

    const room = joins.get(message.re)
    if (room) {
      joins.delete(message.re)
      if (!passing) return leave(room, error)
      room.phase = 'away'
      timing.after(backoffMs(room.attempt++, settings.backoff, timing.random), () => comeIn(room))
      return
    }

    const parting = parts.get(message.re)
    if (parting) {
      parts.delete(message.re)
      if (!passing) return leave(parting)
      timing.after(backoffMs(parting.attempt++, settings.backoff, timing.random), () => partWhenQuiet(parting))
      return
    }

    const asked = reads.get(message.re)
    if (asked) {
      reads.delete(message.re)
      asked.reject(error)
      return
    }

    if (passing) {
      const waiting = posts.putBack(message.re)
      if (waiting) pause(waiting.room)
      return
    }
    const failedPost = posts.settle(message.re)
    if (!failedPost) return
    failedPost.reject(error)
    pump()
    partWhenQuiet(failedPost.room)
  }

  const isClosed = () => state === 'closed'

  const client: PoolClient = {
    get principal() {
      return session.signedIn!.principal
    },
    get limits() {
      return limits
    },
    get state() {
      return state
    },
    join: (room, { after, ...roomListeners } = {}) =>
      new Promise((resolve, reject) => {
        if (isClosed()) return reject(new ClosedError())
        if (rooms.has(room)) return reject(new RefusedError('already-joined', 'You are in this room already.'))
        const entry: RoomState = {
          uri: room,
          name: room,
          listeners: roomListeners,
          last: after,
          phase: 'away',
          paused: false,
          holeAfter: undefined,
          attempt: 0,
          answer: { resolve, reject },
          parted: undefined,
        }
        rooms.set(room, entry)
        comeIn(entry)
      }),
    rooms: async () => ((await read({ t: 'rooms' })) as ServerMessageOf<'rooms'>).rooms,
    close: async () => {
      if (!isClosed()) finish()
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

/** Names of posts begin with this; no two clients share it. */
function newNamePrefix(): string {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (word) => word.toString(36)).join('')
}
