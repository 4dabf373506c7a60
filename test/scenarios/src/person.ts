import { type ClientListeners, type ConnectOptions, connect, type PoolClient, type RoomHandle } from '@hansard/client'

/** Somebody signed in to the pool. All of the SDK, and a plain list of what this person saw. */
export type Person = Omit<PoolClient, 'join'> & {
  /** Comes into a room and stays. `after`: what is newer than this chat is shown first. */
  enter(room: string, options?: { after?: number }): Promise<RoomHandle>
  /** Everything the room has shown this person, one line each, up to now; `until`: once that line is among it. */
  saw(room: string, until?: string): Promise<string[]>
  /** The texts among it. */
  heard(room: string): Promise<string[]>
  /** What came without a room: invitations, matches of feeds, news of watched rooms; and the end of the connection. */
  noticed(until?: string): Promise<string[]>
}

/** Signs in. `pass` is called before everything this person does: it lets a moment pass. */
export async function signInPerson(
  options: Pick<ConnectOptions, 'server' | 'account' | 'password'>,
  { pass }: { pass: () => void },
): Promise<Person> {
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

  /** What a connection carries arrives in order: once this is answered, whatever was sent before has been seen. */
  const caughtUp = async () => {
    if (client.state === 'connected') await client.categories()
  }

  const own: Pick<Person, 'enter' | 'saw' | 'heard' | 'noticed'> = {
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
