import { type ClientListeners, type ConnectOptions, connect, type PoolClient, type RoomHandle } from '@hansard/client'

/** Somebody signed in to the pool. All of the SDK, and a plain list of what this person saw. */
export type Person = Omit<PoolClient, 'join'> & {
  /** Comes into a room and stays. `after`: what is newer than this chat is shown first. */
  enter(room: string, options?: { after?: number }): Promise<RoomHandle>
  /** Everything the room has shown this person, one line each, up to now. */
  saw(room: string): Promise<string[]>
  /** The texts among it. */
  heard(room: string): Promise<string[]>
  /** What came without a room: invitations, matches of feeds, news of watched rooms; and the end of the connection. */
  noticed(): Promise<string[]>
  /** Resolves when the connection has been ended from the other side for good. */
  readonly signedOut: Promise<void>
}

/** Signs in. `pass` is called before everything this person does: it lets a moment pass. */
export async function signInPerson(
  options: Pick<ConnectOptions, 'server' | 'account' | 'password'>,
  { pass }: { pass: () => void },
): Promise<Person> {
  const rooms = new Map<string, { line: string; text: string | undefined }[]>()
  const notices: string[] = []
  const over = Promise.withResolvers<void>()
  const listeners: ClientListeners = {
    onNewContent: ({ last }) => notices.push(`something new in a watched room: ${last}`),
    onFeedMatch: ({ feed, chat }) => notices.push(`${feed}: chat ${chat}`),
    onInvited: () => notices.push('invited'),
    onClosed(cause) {
      notices.push(`signed out: ${cause?.message ?? 'by oneself'}`)
      over.resolve()
    },
  }
  const backoff = { delayMs: 10, delayMaxMs: 40 }
  const client = await connect({ ...options, ...listeners, backoff })

  /** What a connection carries arrives in order: once this is answered, whatever was sent before has been seen. */
  const caughtUp = async () => {
    if (client.state === 'connected') await client.categories()
  }

  const own: Pick<Person, 'enter' | 'saw' | 'heard' | 'noticed' | 'signedOut'> = {
    enter(room, { after } = {}) {
      const seen = rooms.get(room) ?? []
      rooms.set(room, seen)
      const see = (line: string, text?: string) => void seen.push({ line, text })
      return client.join(room, {
        ...(after === undefined ? {} : { after }),
        onChat: ({ from, text, alert, title, replaced }) =>
          see(
            `${from.name}${alert ? ' (alert)' : ''}${title === undefined ? '' : ` [${title}]`}${replaced ? ' (replaced)' : ''}: ${text}`,
            text,
          ),
        onChatReplaced: ({ chat, text }) => see(`chat ${chat} now reads: ${text}`),
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
    async saw(room) {
      await caughtUp()
      return (rooms.get(room) ?? []).map(({ line }) => line)
    },
    async heard(room) {
      await caughtUp()
      return (rooms.get(room) ?? []).flatMap(({ text }) => text ?? [])
    },
    async noticed() {
      await caughtUp()
      return [...notices]
    },
    signedOut: over.promise,
  }
  return new Proxy(client, {
    get(target, key) {
      if (key === 'enter') {
        return async (...args: Parameters<Person['enter']>) => {
          pass()
          return paced(await own.enter(...args), pass)
        }
      }
      if (key in own) return own[key as keyof typeof own]
      return pacedMember(target, key, pass)
    },
  }) as unknown as Person
}

/** The same thing, but each of its methods lets a moment pass first. */
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

/** The code with which something was refused, or `not refused`. Anything but a refusal is thrown on. */
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
