import { once } from 'node:events'
import type { RoomOperation } from '@hansard/rooms'
import type { ClientMessage, ServerMessage } from '@hansard/wire'
import { WebSocket } from 'ws'
import type { Answer } from './matrix.ts'

/** A room of the matrix in the running pool. */
export type RoomOnTrial = {
  readonly uri: string
  readonly name: string
  /** a chat that nobody has edited yet */
  nextChat(): number
  /** id of a file that was uploaded to it */
  readonly file: string
  /** name of a category with the same allowed principals and creators */
  readonly otherCategory: string
  /** URI of a user in scope who is on no list */
  readonly bystander: string
}

type Question = ClientMessage extends infer M ? (M extends { id: number } ? Omit<M, 'id'> : never) : never

/** A raw client of the protocol, without the SDK, which might not send an invalid request. */
export type WebSocketDoor = AsyncDisposable & {
  ask(question: Question): Promise<ServerMessage>
  attempt(operation: RoomOperation, room: RoomOnTrial): Promise<Answer>
  /** everything the server has sent, in order */
  readonly heard: readonly string[]
}

export async function openWebSocketDoor(endpoint: string, token: string): Promise<WebSocketDoor> {
  const socket = new WebSocket(endpoint)
  await once(socket, 'open')
  const waiting = new Map<number, (message: ServerMessage) => void>()
  const heard: string[] = []
  let ended: Error | undefined
  socket.on('message', (data) => {
    const text = data.toString()
    heard.push(text)
    const message = JSON.parse(text) as ServerMessage
    if ('re' in message && message.re !== undefined) waiting.get(message.re)?.(message)
  })
  socket.on('close', (code, reason) => {
    ended = new Error(`The server hung up: ${code} ${reason}`)
    for (const answer of waiting.values()) answer({ t: 'refused', code: 'stopping', message: ended.message })
  })
  let last = 0
  const ask = (question: Question) => {
    if (ended) throw ended
    const id = ++last
    return new Promise<ServerMessage>((resolve) => {
      waiting.set(id, (message) => {
        waiting.delete(id)
        resolve(message)
      })
      socket.send(JSON.stringify({ id, ...question }))
    })
  }
  const signedIn = await ask({ t: 'sign-in', token })
  if (signedIn.t !== 'signed-in') throw new Error(`Not signed in: ${JSON.stringify(signedIn)}`)
  return {
    ask,
    heard,
    attempt: (operation, room) => ATTEMPTS[operation](ask, room),
    async [Symbol.asyncDispose]() {
      socket.terminate()
    },
  }
}

type Ask = (question: Question) => Promise<ServerMessage>

async function simply(ask: Ask, question: Question): Promise<Answer> {
  const answer = await ask(question)
  return answer.t === 'refused' ? answer.code : 'yes'
}

/** Joins, acts, parts. A caller who may not join gets the refusal. */
async function inside(ask: Ask, { uri }: RoomOnTrial, question: Question): Promise<Answer> {
  const joined = await simply(ask, { t: 'join', room: uri })
  if (joined !== 'yes') return joined
  const answer = await simply(ask, question)
  await simply(ask, { t: 'part', room: uri })
  return answer
}

let posts = 0

const ATTEMPTS: Record<RoomOperation, (ask: Ask, room: RoomOnTrial) => Promise<Answer>> = {
  see: (ask, { uri }) => simply(ask, { t: 'room', room: uri }),
  join: (ask, room) => inside(ask, room, { t: 'ping' }),
  post: (ask, room) => inside(ask, room, { t: 'post', room: room.uri, post: `tried-${++posts}`, text: 'tried' }),
  'read-history': (ask, { uri }) => simply(ask, { t: 'history', room: uri, limit: 1 }),
  'search-history': (ask, { uri }) =>
    simply(ask, {
      t: 'search',
      rooms: [uri],
      filter: { words: 'seed', match: 'all', caseSensitive: false },
      order: 'newest',
    }),
  'see-roster': (ask, room) => inside(ask, room, { t: 'roster', room: room.uri }),
  'upload-file': (ask, { uri }) => simply(ask, { t: 'upload-token', room: uri, fileName: 'tried.txt', size: 1 }),
  'download-file': (ask, { uri, file }) => simply(ask, { t: 'download-token', room: uri, file }),
  'replace-chat': (ask, { uri, nextChat }) =>
    simply(ask, { t: 'replace-chat', room: uri, chat: nextChat(), text: 'x' }),
  'delete-chat': (ask, { uri, nextChat }) => simply(ask, { t: 'delete-chat', room: uri, chat: nextChat() }),
  async 'see-roles'(ask, { uri }) {
    const answer = await ask({ t: 'room', room: uri })
    if (answer.t === 'refused') return answer.code
    return answer.t === 'room' && answer.room.members !== undefined ? 'yes' : 'not-a-manager'
  },
  'change-room': (ask, { uri }) => simply(ask, { t: 'change-room', room: uri, topic: `tried ${++posts}` }),
  async 'change-roles'(ask, { uri, bystander }) {
    const change = (add: string[], remove: string[]) =>
      simply(ask, { t: 'change-roles', room: uri, role: 'member', add, remove })
    const added = await change([bystander], [])
    return added === 'yes' ? change([], [bystander]) : added
  },
  'disable-room': (ask, { uri }) => simply(ask, { t: 'disable-room', room: uri }),
  'enable-room': (ask, { uri }) => simply(ask, { t: 'enable-room', room: uri }),
  'move-room': (ask, { uri, otherCategory }) => simply(ask, { t: 'change-room', room: uri, category: otherCategory }),
  'delete-room': (ask, { uri }) => simply(ask, { t: 'delete-room', room: uri }),
  'clear-room': (ask, { uri }) => simply(ask, { t: 'clear-room', room: uri, through: 1 }),
  'purge-chats': (ask, { uri }) =>
    simply(ask, {
      t: 'purge-chats',
      room: uri,
      filter: { words: 'a-word-that-nobody-said', match: 'all', caseSensitive: false },
    }),
}
