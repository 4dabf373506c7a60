import { backoffMs } from '@hansard/backoff'
import { ClosedError, RefusedError } from './errors.ts'
import type { Line } from './line.ts'
import { createPostQueue, type PostQueue } from './post-queue.ts'
import type { Posted, PostOptions, RoomState } from './room.ts'
import type { SessionSettings } from './session.ts'

export type Posts = {
  readonly queue: PostQueue<RoomState>
  post(room: RoomState, text: string, options?: PostOptions): Promise<Posted>
  /** Sends what may be sent. */
  pump(): void
  /** The pool asked for a pause: the room's posts wait for a while. */
  pause(room: RoomState): void
}

/** Posts chats in the order they were posted in, each until it is acknowledged or refused. */
export function createPosts(
  line: Line,
  settings: Pick<SessionSettings, 'timing' | 'backoff'> & { readonly postsWaitingMax: number },
): Posts {
  const { timing, backoff, postsWaitingMax } = settings
  const queue = createPostQueue<RoomState>({ inFlightMax: 1, waitingMax: postsWaitingMax })
  const namePrefix = newNamePrefix()
  let nextPost = 1

  const maySend = (room: RoomState) => room.phase === 'joined' && !room.paused

  const pump = () => {
    while (line.connection) {
      const id = line.nextId()
      const taken = queue.take(id, maySend)
      if (!taken) return
      const { room, name, text, again, alert, title } = taken
      line.connection.send({
        t: 'post',
        id,
        room: room.uri,
        post: name,
        text,
        ...(again ? { again } : {}),
        ...(alert ? { alert } : {}),
        ...(title === undefined ? {} : { title }),
      })
      taken.again = true
    }
  }

  return {
    queue,
    pump,
    post: (room, text, { name, alert = false, title } = {}) =>
      new Promise((resolve, reject) => {
        if (line.closed) return reject(new ClosedError())
        if (room.phase === 'gone' || room.parted)
          return reject(new RefusedError('not-joined', 'You are not in this room.'))
        if (text === '') return reject(new RefusedError('malformed', 'A chat may not be empty.'))
        const bytesMax = line.limits[title === undefined ? 'chatBytesMax' : 'storyBytesMax'] ?? 65_536
        if (text.length * 3 > bytesMax && new TextEncoder().encode(text).length > bytesMax) {
          const what = title === undefined ? 'A chat' : 'A story'
          return reject(new RefusedError('too-long', `${what} may have at most ${bytesMax} bytes.`))
        }
        const n = nextPost++
        const taken = queue.add({
          n,
          room,
          name: name ?? `${namePrefix}-${n}`,
          text,
          ...(alert ? { alert: true as const } : {}),
          ...(title === undefined ? {} : { title }),
          again: false,
          resolve,
          reject,
        })
        if (!taken) return reject(new RefusedError('too-fast', `${postsWaitingMax} chats are waiting already.`))
        pump()
      }),
    pause(room) {
      if (room.paused) return
      room.paused = true
      timing.after(backoffMs(room.attempt++, backoff, timing.random), () => {
        room.paused = false
        pump()
      })
    },
  }
}

/** Names of posts begin with this; no two clients share it. */
function newNamePrefix(): string {
  return Array.from(crypto.getRandomValues(new Uint32Array(4)), (word) => word.toString(36)).join('')
}
