import { connect, type PoolClient, RefusedError, type RoomHandle } from '@hansard/client'
import { systemClock } from '@hansard/clock'
import { type Admin, type Random, seeded } from '@hansard/test-pool'
import type { LoggedPost } from './talkers.ts'

/**
 * A closed room whose members change all the time, and users who try to post in it whether or not they are members.
 *
 * `wallsHeld` judges the outcome by the record alone: nobody may have joined, posted or read at a moment at which the
 * record does not have them as a member, whatever was killed meanwhile.
 */
type WallLife = {
  readonly room: string
  readonly log: readonly LoggedPost[]
  /** Stops all users; resolves when no request is pending. */
  hush(): Promise<void>
  talk(): void
  close(): Promise<void>
}

const THINK_MS = 40
const PEOPLE = ['insider-1', 'insider-2', 'insider-3']

export async function startWallLife(options: { server: () => string; admin: Admin; seed: number }): Promise<WallLife> {
  const { server, admin, seed } = options
  const { users } = await admin.ask('addUsers', { users: PEOPLE.map((account) => ({ account, generateKey: true })) })
  const { rooms } = await admin.ask('addRooms', {
    rooms: [{ name: 'behind the wall', privacy: 'closed', members: [PEOPLE[0]!] }],
  })
  const { uri } = rooms[0]!
  const log: LoggedPost[] = []
  let talking = true
  let closing = false
  let wake: (() => void)[] = []
  let busy = 0
  const idle: (() => void)[] = []

  /** Repeats an action whatever its outcome: a pool under faults may refuse, and a wall must. */
  const repeat = async (something: () => Promise<void>) => {
    while (!closing) {
      if (!talking) {
        await new Promise<void>((resolve) => wake.push(resolve))
        continue
      }
      busy += 1
      await something().catch(() => {})
      busy -= 1
      if (busy === 0) for (const resolve of idle.splice(0)) resolve()
      await systemClock.sleep(THINK_MS)
    }
  }

  const keeper = seeded(seed * 7_919)
  const keepTheDoor = () =>
    repeat(async () => {
      const who = [keeper.pick(PEOPLE)]
      const members = keeper.chance(0.5) ? { add: who } : { remove: who }
      await admin.ask('changeRoomRoles', { members }, { room: uri })
    })

  const clients = await Promise.all(
    users.map(({ account, key }) =>
      connect({
        server: server(),
        account,
        password: key!,
        backoff: { delayMs: 50, delayMaxMs: 500 },
        heartbeatMs: 2_000,
      }),
    ),
  )
  const live = async (client: PoolClient, account: string, random: Random) => {
    let room: RoomHandle | undefined
    let said = 0
    await repeat(async () => {
      try {
        room ??= await client.join(uri, {
          onClosed() {
            room = undefined
          },
        })
        said += 1
        const post: LoggedPost = { room: uri, text: `${seed}/${account}/${said} behind the wall`, author: account }
        log.push(post)
        post.chat = (await room.post(post.text)).chat
        if (random.chance(0.1)) await room.history({ limit: 3 })
      } catch (error) {
        if (error instanceof RefusedError) room = undefined
        throw error
      }
    })
  }
  const lives = [keepTheDoor(), ...clients.map((client, n) => live(client, PEOPLE[n]!, seeded(seed * 31 + n)))]

  return {
    room: uri,
    log,
    hush() {
      talking = false
      return busy === 0 ? Promise.resolve() : new Promise((resolve) => idle.push(resolve))
    },
    talk() {
      talking = true
      const waiting = wake
      wake = []
      for (const resolve of waiting) resolve()
    },
    async close() {
      closing = true
      for (const resolve of wake.splice(0)) resolve()
      await Promise.all(clients.map((client) => client.close()))
      await Promise.allSettled(lives)
    },
  }
}
