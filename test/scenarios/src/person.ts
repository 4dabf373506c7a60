import { type ClientListeners, type ConnectOptions, connect, type PoolClient, type RoomHandle } from '@hansard/client'

/** A signed-in user: the whole SDK, and a plain list of what this user received. */
export type ScenarioPerson = Omit<PoolClient, 'join'> & {
  /** Joins a room and stays. `after`: first gets the chats after this one. */
  enter(room: string, options?: { after?: number }): Promise<RoomHandle>
  /** Everything received in the room so far, one line each; `until`: waits for that line. */
  saw(room: string, until?: string): Promise<string[]>
  /** The texts among it. */
  heard(room: string): Promise<string[]>
  /**
   * What was received outside a room: invitations, feed matches, news of watched rooms; and the end of the
   * connection.
   */
  noticed(until?: string): Promise<string[]>
}

/** Signs in. `pass` is called before every action of this user, to advance the clock. */
export async function signInPerson(
  options: Pick<ConnectOptions, 'server' | 'account' | 'password'>,
  { pass }: { pass: () => void },
): Promise<ScenarioPerson> {
  const rooms = new Map<string, { line: string; text: string | undefined }[]>()
  const notices: string[] = []
  const waiting = new Set<() => void>()
  const notice = (line: string) => {
    notices.push(line)
    for (const look of [...waiting]) look()
  }
  /** Resolves once there is such a line. */
  const line = (isThere: () => boolean) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (!isThere()) return
        waiting.delete(look)
        resolve()
      }
      waiting.add(look)
      look()
    })
  const listeners: ClientListeners = {
    onNewContent: ({ last }) => notice(`something new in a watched room: ${last}`),
    onFeedMatch: ({ feed, chat }) => notice(`${feed}: chat ${chat}`),
    onInvited: () => notice('invited'),
    onClosed: (cause) => notice(`signed out: ${cause?.message ?? 'by oneself'}`),
  }
  const backoff = { delayMs: 10, delayMaxMs: 40 }
  const client = await connect({ ...options, ...listeners, backoff })

  /** A connection delivers in order: once this is answered, everything sent before has been received. */
  const caughtUp = async () => {
    if (client.state === 'connected') await client.categories()
  }

  const own: Pick<ScenarioPerson, 'enter' | 'saw' | 'heard' | 'noticed'> = {
    enter(room, { after } = {}) {
      const seen = rooms.get(room) ?? []
      rooms.set(room, seen)
      const see = (line: string, text?: string) => {
        seen.push({ line, text })
        for (const look of [...waiting]) look()
      }
      return client.join(room, {
        ...(after === undefined ? {} : { after }),
        onChat: ({ from, text, alert, title, replaced }) =>
          see(
            `${from.name}${alert ? ' (alert)' : ''}${title === undefined ? '' : ` [${title}]`}${replaced ? ' (replaced)' : ''}: ${text}`,
            text,
          ),
        onChatReplaced: ({ chat, text, title }) =>
          see(`chat ${chat} now reads: ${title === undefined ? '' : `[${title}] `}${text}`),
        onChatPurged: ({ chat }) => see(`chat ${chat} is gone`),
        onJoined: ({ name }) => see(`${name} came in`),
        onParted: ({ name }) => see(`${name} went out`),
        onParticipants: ({ shown, count }) =>
          see(`comings and goings are ${shown ? 'shown' : 'hidden'}: ${count} here`),
        onChanged: ({ name, topic, type, mayPost }) =>
          see(`the room is now ${name} (${type}${topic === '' ? '' : `, ${topic}`}), ${mayPost ? 'speak' : 'listen'}`),
        onClosed: (reason) => see(`out: ${reason}`),
      })
    },
    async saw(room, until) {
      if (until !== undefined) await line(() => rooms.get(room)?.some((seen) => seen.line === until) ?? false)
      await caughtUp()
      return (rooms.get(room) ?? []).map(({ line }) => line)
    },
    async heard(room) {
      await caughtUp()
      return (rooms.get(room) ?? []).flatMap(({ text }) => text ?? [])
    },
    async noticed(until) {
      if (until !== undefined) await line(() => notices.includes(until))
      await caughtUp()
      return [...notices]
    },
  }
  return new Proxy(client, {
    get(target, key) {
      if (key === 'enter') {
        return async (...args: Parameters<ScenarioPerson['enter']>) => {
          pass()
          return paced(await own.enter(...args), pass)
        }
      }
      if (key in own) return own[key as keyof typeof own]
      return pacedMember(target, key, pass)
    },
  }) as unknown as ScenarioPerson
}

/** The same object, with each method advancing the clock first. */
export function paced<T extends object>(thing: T, pass: () => void): T {
  return new Proxy(thing, { get: (target, key) => pacedMember(target, key, pass) })
}

function pacedMember(target: object, key: string | symbol, pass: () => void): unknown {
  const member = Reflect.get(target, key, target) as unknown
  if (typeof member !== 'function' || key === 'then') return member
  return (...args: unknown[]) => {
    pass()
    return member.apply(target, args) as unknown
  }
}

/** The code of a refusal, or `not refused`. Any other error is rethrown. */
export async function refusal(promise: Promise<unknown>): Promise<string> {
  try {
    await promise
    return 'not refused'
  } catch (error) {
    const { name, code } = error as { name?: string; code?: string }
    if ((name === 'RefusedError' || name === 'AdminRefused') && code !== undefined) return code
    throw error
  }
}
