import { connect, type PoolClient, RefusedError, type RoomHandle } from '@hansard/client'
import { systemClock } from '@hansard/clock'
import { type Admin, type Random, seeded } from '@hansard/test-pool'

/** A post as its author knows it. `chat` is absent until the pool has acknowledged it. */
export type LoggedPost = { readonly room: string; readonly text: string; readonly author: string; chat?: number }

/** Users who post continuously and log what the pool acknowledged. Their log is the oracle of every check. */
type Talkers = {
  readonly log: readonly LoggedPost[]
  readonly rooms: readonly { name: string; uri: string }[]
  /** Resolves when every talker has had `posts` more chats acknowledged. */
  progress(posts: number, withinMs: number): Promise<void>
  /** Stops posting; resolves when every post is acknowledged. */
  hush(withinMs: number): Promise<void>
  talk(): void
  close(): Promise<void>
  /** chats that a receiver got out of order, twice or with a gap */
  readonly misdelivered: readonly string[]
}

const THINK_MS = 25

function passing(error: unknown): void {
  if (!(error instanceof RefusedError && error.code === 'try-again')) throw error
}

export async function startTalkers(options: {
  server: () => string
  admin: Admin
  seed: number
  talkers?: number
  rooms?: number
}): Promise<Talkers> {
  const { server, admin, seed, talkers = 6, rooms: roomCount = 4 } = options
  const names = Array.from({ length: talkers }, (_, n) => `talker-${n + 1}`)
  const { users } = await admin.ask('addUsers', { users: names.map((account) => ({ account, generateKey: true })) })
  const { rooms } = await admin.ask('addRooms', {
    rooms: Array.from({ length: roomCount }, (_, n) => ({ name: `chaos ${n + 1}`, privacy: 'open' as const })),
  })
  const log: LoggedPost[] = []
  const misdelivered: string[] = []
  const acknowledged = new Map<string, number>(names.map((name) => [name, 0]))
  let waiters: (() => void)[] = []
  let talking = true
  let closing = false
  const wake: (() => void)[] = []

  const people = await Promise.all(
    users.map(async ({ account, key }, index) => {
      const client = await connect({
        server: server(),
        account,
        password: key!,
        backoff: { delayMs: 50, delayMaxMs: 500 },
        heartbeatMs: 2_000,
      })
      return { account, client, random: seeded(seed * 1_000 + index) }
    }),
  )

  const live = async ({ account, client, random }: { account: string; client: PoolClient; random: Random }) => {
    const handles = new Map<string, RoomHandle>()
    const joined = async (uri: string): Promise<RoomHandle> => {
      const known = handles.get(uri)
      if (known) return known
      let last: number | undefined
      const handle = await client.join(uri, {
        onChat(chat) {
          if (last !== undefined && chat.chat !== last + 1)
            misdelivered.push(`${account} got ${chat.chat} after ${last} in ${uri}`)
          last = chat.chat
        },
      })
      handles.set(uri, handle)
      return handle
    }
    for (let n = 1; !closing; n += 1) {
      if (!talking) {
        await new Promise<void>((resolve) => wake.push(resolve))
        continue
      }
      const { uri } = random.pick(rooms)
      try {
        const room = await joined(uri)
        const post: LoggedPost = { room: uri, text: `${seed}/${account}/${n} <&">`, author: account }
        log.push(post)
        post.chat = (await room.post(post.text)).chat
        acknowledged.set(account, acknowledged.get(account)! + 1)
        for (const waiter of waiters) waiter()
        const whim = random.below(100)
        if (whim < 4) {
          handles.delete(uri)
          await room.part()
        } else if (whim < 8) {
          // A read may be refused while the database is away; no post depends on it.
          await room.history({ limit: 5 }).catch(passing)
        }
      } catch (error) {
        if (!closing) misdelivered.push(`${account}: ${error}`)
        handles.delete(uri)
      }
      await systemClock.sleep(THINK_MS)
    }
  }
  const lives = people.map(live)

  const until = (condition: () => boolean, what: string, withinMs: number) =>
    new Promise<void>((resolve, reject) => {
      const settle = (error?: Error) => {
        waiters = waiters.filter((waiter) => waiter !== check)
        timer.cancel()
        if (error) reject(error)
        else resolve()
      }
      const check = () => condition() && settle()
      const timer = systemClock.after(withinMs, () =>
        settle(new Error(`${what} did not happen within ${withinMs} ms.`)),
      )
      waiters.push(check)
      check()
    })

  return {
    log,
    rooms,
    misdelivered,
    progress(posts, withinMs) {
      const start = new Map(acknowledged)
      return until(
        () => names.every((name) => acknowledged.get(name)! >= start.get(name)! + posts),
        'progress of every talker',
        withinMs,
      )
    },
    hush(withinMs) {
      talking = false
      return until(() => log.every((post) => post.chat !== undefined), 'acknowledgement of every post', withinMs)
    },
    talk() {
      talking = true
      for (const resolve of wake.splice(0)) resolve()
    },
    async close() {
      closing = true
      for (const resolve of wake.splice(0)) resolve()
      await Promise.all(people.map(({ client }) => client.close()))
      await Promise.allSettled(lives)
    },
  }
}
