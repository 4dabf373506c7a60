import { backoffMs } from '@hansard/backoff'
import type { ServerMessage, ServerMessageOf } from '@hansard/wire'
import { ClosedError, RefusedError } from './errors.ts'
import type { Line } from './line.ts'
import { historyPage } from './pool-requests.ts'
import type { Post } from './post-queue.ts'
import type { Posts } from './posts.ts'
import type { Requests } from './requests.ts'
import { judgeChat, type Person, type RoomHandle, type RoomListeners, type RoomState } from './room.ts'
import type { SessionSettings } from './session.ts'

/** The rooms a program wants to be in, over any number of connections. */
type ClientRooms = {
  join(uri: string, options: RoomListeners & { after?: number }): Promise<RoomHandle>
  connected(): void
  connectionLost(): void
  close(error: Error): void
  /** Takes a message that concerns a room the program is in; false when it is none. */
  receive(message: ServerMessage): boolean
  /** Takes the refusal of a join or a part. `passing`: it may be asked for again. */
  refused(re: number, error: RefusedError, passing: boolean): boolean
  partWhenQuiet(room: RoomState): void
}

export function createClientRooms(
  line: Line,
  { posts, requests }: { posts: Posts; requests: Requests },
  { timing, backoff }: Pick<SessionSettings, 'timing' | 'backoff'>,
): ClientRooms {
  const rooms = new Map<string, RoomState>()
  const joins = new Map<number, RoomState>()
  const parts = new Map<number, RoomState>()
  /** by what stands for them on this connection */
  const byRef = new Map<number, RoomState>()

  const comeIn = (room: RoomState) => {
    if (!line.connection || room.phase !== 'away') return
    const id = line.nextId()
    joins.set(id, room)
    room.phase = 'joining'
    line.connection.send({
      t: 'join',
      id,
      room: room.uri,
      ...(room.last === undefined ? {} : { after: room.last }),
      ...(line.connection.signedIn.brief ? { brief: true as const } : {}),
    })
  }

  const joined = (room: RoomState, message: ServerMessageOf<'joined'>) => {
    if (room.uri !== message.room) {
      rooms.delete(room.uri)
      rooms.set(message.room, room)
      room.uri = message.room
    }
    const { name, topic, type, mayPost } = message
    room.look = { name, topic, type, mayPost }
    room.addIn = message.addIn
    if (message.ref !== undefined) byRef.set(message.ref, room)
    room.attempt = 0
    room.last ??= message.last
    room.phase = 'joined'
    if (room.answer) {
      room.answer.resolve(handleOf(room))
      room.answer = undefined
    } else {
      room.listeners.onRejoined?.()
    }
    requests.repeat(room)
    posts.pump()
    partWhenQuiet(room)
  }

  /** A post that was sent may be on record although the room is closed to its author now: the pool is asked once more. */
  const failPost = ({ again, room, name, text, alert, title, resolve, reject }: Post<RoomState>, because: Error) => {
    if (!again || line.closed) return reject(because)
    requests
      .ask({
        t: 'post',
        room: room.uri,
        post: name,
        text,
        again,
        ...(alert ? { alert } : {}),
        ...(title === undefined ? {} : { title }),
      })
      .then(
        ({ chat, at }) => resolve({ chat, at }),
        (error: Error) => reject(error instanceof RefusedError && error.code === 'not-joined' ? because : error),
      )
  }

  const leave = (room: RoomState, error?: Error) => {
    room.phase = 'gone'
    rooms.delete(room.uri)
    for (const [ref, known] of byRef) if (known === room) byRef.delete(ref)
    const because = error ?? new RefusedError('not-joined', 'You have left the room.')
    for (const post of posts.queue.remove(room)) failPost(post, because)
    requests.fail(because, room)
    room.parted?.()
    if (room.answer) room.answer.reject(error!)
    else if (error) room.listeners.onClosed?.(error.message)
  }

  const partWhenQuiet = (room: RoomState) => {
    if (!room.parted || room.phase !== 'joined' || posts.queue.has(room)) return
    const id = line.nextId()
    parts.set(id, room)
    line.connection?.send({ t: 'part', id, room: room.uri })
  }

  const handleOf = (room: RoomState): RoomHandle => ({
    get uri() {
      return room.uri
    },
    get name() {
      return room.look.name
    },
    get topic() {
      return room.look.topic
    },
    get type() {
      return room.look.type
    },
    get mayPost() {
      return room.look.mayPost
    },
    get addIn() {
      return room.addIn
    },
    get last() {
      return room.last ?? 0
    },
    post: (text, options) => posts.post(room, text, options),
    history: (options) => requests.ask({ t: 'history', room: room.uri, ...options }, room).then(historyPage),
    replaceChat: async (chat, text, options) =>
      void (await requests.ask({ t: 'replace-chat', room: room.uri, chat, text, ...options }, room)),
    deleteChat: async (chat) => void (await requests.ask({ t: 'delete-chat', room: room.uri, chat }, room)),
    roster: async () => (await requests.ask({ t: 'roster', room: room.uri }, room)).participants as Person[],
    part: () =>
      new Promise<void>((resolve) => {
        if (room.phase === 'gone') return resolve()
        const before = room.parted
        room.parted = () => {
          before?.()
          resolve()
        }
        if (before) return
        if (room.phase === 'away' && !posts.queue.has(room)) leave(room)
        else partWhenQuiet(room)
      }),
  })

  /** The room, when `next` is what follows in it. Where something is missing, all of it is asked for again. */
  const following = (uri: string, next: number): RoomState | undefined => {
    const room = rooms.get(uri)
    if (!room || room.phase === 'away' || room.phase === 'joining') return undefined
    const verdict = judgeChat(room, next)
    if (verdict === 'deliver') return room
    if (verdict === 'hole') {
      room.holeAfter = room.last
      line.connection?.drop(`chats after ${room.last} of ${room.look.name} are missing`)
    }
    return undefined
  }

  const gone = ({ room: uri, from, through }: ServerMessageOf<'chats-purged'>) => {
    // What this client has of them it keeps: they were there when it was told.
    const room = following(uri, Math.max(from, Math.min(through, (rooms.get(uri)?.last ?? 0) + 1)))
    if (!room) return
    const first = Math.max(from, (room.last ?? 0) + 1)
    room.last = through
    room.listeners.onChatsGone?.({ from: first, through })
  }

  const chat = (message: ServerMessageOf<'chat'>) => {
    const room = following(message.room, message.chat)
    if (!room) return
    room.last = message.chat
    const { t: _, room: __, ...told } = message
    room.listeners.onChat?.(told)
  }

  const briefChat = ({ t: _, r, from, name, ...said }: ServerMessageOf<'c'>) => {
    const room = byRef.get(r)
    // Of a room that was left in the meantime nothing is told any more.
    if (room) chat({ t: 'chat', room: room.uri, from: { uri: from, name }, ...said })
  }

  const replaced = ({ room, chat, text, title }: ServerMessageOf<'chat-replaced'>) => {
    rooms.get(room)?.listeners.onChatReplaced?.({ chat, text, ...(title === undefined ? {} : { title }) })
  }

  return {
    join: (uri, { after, ...listeners }) =>
      new Promise((resolve, reject) => {
        if (line.closed) return reject(new ClosedError())
        if (rooms.has(uri)) return reject(new RefusedError('already-joined', 'You are in this room already.'))
        const room: RoomState = {
          uri,
          look: { name: uri, topic: '', type: 'normal', mayPost: false },
          addIn: null,
          listeners,
          last: after,
          phase: 'away',
          paused: false,
          holeAfter: undefined,
          attempt: 0,
          answer: { resolve, reject },
          parted: undefined,
        }
        rooms.set(uri, room)
        comeIn(room)
      }),
    connected() {
      for (const room of [...rooms.values()]) comeIn(room)
    },
    connectionLost() {
      joins.clear()
      parts.clear()
      byRef.clear()
      for (const room of [...rooms.values()]) {
        // A connection that ends takes its participants out of their rooms.
        if (room.parted && !posts.queue.has(room)) leave(room)
        else room.phase = 'away'
      }
    },
    close(error) {
      for (const room of rooms.values()) {
        room.phase = 'gone'
        room.answer?.reject(error)
        room.parted?.()
      }
      rooms.clear()
    },
    receive(message) {
      switch (message.t) {
        case 'chat':
          chat(message)
          return true
        case 'c':
          briefChat(message)
          return true
        case 'chat-replaced':
          replaced(message)
          return true
        case 'chats-purged':
          gone(message)
          return true
        case 'chat-purged':
          rooms.get(message.room)?.listeners.onChatPurged?.({ chat: message.chat })
          return true
        case 'participant-joined':
          rooms.get(message.room)?.listeners.onJoined?.(message.who)
          return true
        case 'participant-parted':
          rooms.get(message.room)?.listeners.onParted?.(message.who)
          return true
        case 'participants-hidden':
        case 'participants-shown': {
          const change = { shown: message.t === 'participants-shown', count: message.participants }
          rooms.get(message.room)?.listeners.onParticipants?.(change)
          return true
        }
        case 'room-changed': {
          const room = rooms.get(message.room)
          if (!room) return true
          const { name, topic, type, mayPost } = message
          room.look = { name, topic, type, mayPost }
          room.listeners.onChanged?.(room.look)
          return true
        }
        case 'room-closed': {
          const room = rooms.get(message.room)
          if (room) leave(room, new RefusedError('not-joined', message.reason))
          return true
        }
        case 'joined': {
          const room = joins.get(message.re)
          joins.delete(message.re)
          if (room) joined(room, message)
          return true
        }
        case 'parted': {
          const room = parts.get(message.re)
          parts.delete(message.re)
          if (room) leave(room)
          return true
        }
        default:
          return false
      }
    },
    refused(re, error, passing) {
      const joining = joins.get(re)
      if (joining) {
        joins.delete(re)
        if (passing) {
          joining.phase = 'away'
          timing.after(backoffMs(joining.attempt++, backoff, timing.random), () => comeIn(joining))
        } else leave(joining, error)
        return true
      }
      const parting = parts.get(re)
      if (!parting) return false
      parts.delete(re)
      if (passing) timing.after(backoffMs(parting.attempt++, backoff, timing.random), () => partWhenQuiet(parting))
      else leave(parting)
      return true
    },
    partWhenQuiet,
  }
}
