import { BATCH_MAX, type NewUser } from '@hansard/admin-contract'
import { backoffMs } from '@hansard/backoff'
import {
  ClosedError,
  connect,
  type OpenSocket,
  type PoolClient,
  RefusedError,
  type RoomHandle,
  readDirectory,
} from '@hansard/client'
import type { Clock } from '@hansard/clock'
import type { AdminClient } from '../cli/admin-client.ts'
import { refused, unreachable } from '../cli/command-failure.ts'
import type { CorpusPlan, CorpusStep, Skipped } from './corpus-plan.ts'

/** A log and the room it is played in. */
export type ReplayFile = { readonly room: string; readonly plan: CorpusPlan }

/** Chats, joins and parts are counted when the pool has acknowledged them, so they are what the exports must hold. */
export type ReplaySummary = {
  readonly files: number
  readonly lines: number
  readonly chats: number
  readonly joins: number
  readonly parts: number
  readonly renames: number
  readonly skipped: Skipped
  readonly rejected: number
  readonly rejectedBy: Readonly<Record<string, number>>
  readonly reconnections: number
  /** what of it went into which room */
  readonly rooms: readonly ReplayedRoom[]
  readonly interrupted: boolean
  readonly seconds: number
}

type ReplayedRoom = { readonly name: string; readonly uri: string; chats: number; joins: number; parts: number }

export type ReplayOptions = {
  readonly files: readonly ReplayFile[]
  readonly admin: AdminClient
  readonly openSocket: OpenSocket
  readonly clock: Clock
  /** stops after what is under way; everybody goes out of their room first */
  readonly stop: AbortSignal
  /** how many times faster than the logs' own time; undefined: without pauses */
  readonly speed: number | undefined
  readonly filesAtOnce: number
  /** a file is not begun when its people would be more than this together with those of the files under way */
  readonly sessionsMax: number
  readonly signInsAtOnce: number
  readonly progress: (done: { steps: number; chats: number }) => void
}

/** Sign-ins begin so many steps before somebody is needed. */
const LOOK_AHEAD = 24
/** When nothing at all was acknowledged for so long, the pool is given up. */
const GIVE_UP_AFTER_MS = 120_000

/**
 * Plays logs through clients like anybody's, over sockets: a room per file, an account per nickname.
 *
 * Within a file the next step waits for the acknowledgement of the one before, so that the room's order is the file's;
 * files run side by side.
 */
export async function replayCorpus(options: ReplayOptions): Promise<ReplaySummary> {
  const { files, admin, clock } = options
  const startedAt = clock.now()
  const directory = await readDirectory(admin.server)
  const rooms = await makeRooms(admin, files)
  const keys = await makeAccounts(admin, files)

  const tally = { steps: 0, chats: 0, joins: 0, parts: 0, rejected: 0, reconnections: 0 }
  const rejectedBy: Record<string, number> = {}
  const replayed: ReplayedRoom[] = []
  const clients = new Set<PoolClient>()
  const closing: Promise<void>[] = []
  const signIns = createLimit(options.signInsAtOnce)
  let lastAnswerAt = clock.now()
  let waiting = 0
  let gaveUp: Error | undefined

  /** Runs one request; undefined when the pool refused it. */
  const ask = async <T>(request: () => Promise<T>): Promise<T | undefined> => {
    waiting += 1
    try {
      return await request()
    } catch (error) {
      if (gaveUp) throw gaveUp
      if (!(error instanceof RefusedError)) throw error
      tally.rejected += 1
      rejectedBy[error.code] = (rejectedBy[error.code] ?? 0) + 1
      return undefined
    } finally {
      waiting -= 1
      lastAnswerAt = clock.now()
    }
  }

  const signIn = (nick: string): Promise<PoolClient> =>
    signIns(async () => {
      const since = clock.now()
      for (let attempt = 0; ; attempt += 1) {
        try {
          const client = await connect({
            server: admin.server,
            directory,
            account: nick,
            password: keys.get(nick)!,
            openSocket: options.openSocket,
            onReconnected: () => {
              tally.reconnections += 1
            },
          })
          clients.add(client)
          if (gaveUp) leave(client)
          return client
        } catch (error) {
          if (gaveUp) throw gaveUp
          if (error instanceof RefusedError && error.code === 'wrong-credentials') throw error
          if (clock.now() - since > GIVE_UP_AFTER_MS) throw error
          await clock.sleep(backoffMs(attempt, { delayMs: 200, delayMaxMs: 12_800 }))
        }
      }
    })

  const leave = (client: PoolClient) => {
    clients.delete(client)
    closing.push(client.close())
  }

  const playFile = async ({ room, plan }: ReplayFile) => {
    const uri = rooms.get(room)!
    const mine = { name: room, uri, chats: 0, joins: 0, parts: 0 }
    replayed.push(mine)
    const count = (kind: 'chats' | 'joins' | 'parts') => {
      tally[kind] += 1
      mine[kind] += 1
    }
    const people = new Map<string, { client: Promise<PoolClient>; handle: RoomHandle | undefined }>()
    const lastSteps = new Map(plan.steps.map((step, index) => [step.nick, index]))
    const fileStartedAt = clock.now()

    const person = (nick: string) => {
      const known = people.get(nick)
      if (known) return known
      const client = signIn(nick)
      // The caller that awaits this client gets the failure; this handler only keeps it from being reported as
      // unhandled.
      client.catch(() => {})
      const made = { client, handle: undefined }
      people.set(nick, made)
      return made
    }

    const play = async (step: CorpusStep) => {
      const who = person(step.nick)
      if (step.kind === 'join') {
        const client = await who.client
        who.handle = await ask(() => client.join(uri, { onRejoined: rejoined }))
        if (who.handle) count('joins')
      } else if (!who.handle) {
        if (step.kind === 'chat')
          await ask(() => Promise.reject(new RefusedError('not-joined', 'The join was refused.')))
      } else if (step.kind === 'chat') {
        const { handle } = who
        if (await ask(() => handle.post(step.text))) count('chats')
      } else {
        const { handle } = who
        who.handle = undefined
        await ask(() => handle.part())
        count('parts')
      }
    }
    // A lost connection took this person out of the room, and the new one brought them in again: both are on record.
    const rejoined = () => {
      count('joins')
      count('parts')
    }

    for (const [index, step] of plan.steps.entries()) {
      if (options.stop.aborted) break
      if (options.speed !== undefined) {
        await clock.sleep(fileStartedAt + step.atMs / options.speed - clock.now(), options.stop)
        if (options.stop.aborted) break
      }
      if (options.speed === undefined) {
        const ahead = plan.steps[index + LOOK_AHEAD]
        if (ahead?.kind === 'join') person(ahead.nick)
      }
      await play(step)
      tally.steps += 1
      if (lastSteps.get(step.nick) === index) {
        leave(await people.get(step.nick)!.client)
        people.delete(step.nick)
      }
      options.progress(tally)
    }
    for (const [nick, who] of people) {
      if (who.handle) await play({ kind: 'part', nick, atMs: 0 })
      await who.client.then(leave)
    }
  }

  const watch = async (signal: AbortSignal) => {
    while (!signal.aborted) {
      await clock.sleep(1_000, signal)
      if (waiting === 0) lastAnswerAt = clock.now()
      if (clock.now() - lastAnswerAt <= GIVE_UP_AFTER_MS) continue
      gaveUp = unreachable(
        `${admin.server} has not answered for ${GIVE_UP_AFTER_MS / 1_000} s; the replay was given up.`,
      )
      for (const client of clients) void client.close()
      return
    }
  }

  const finished = new AbortController()
  const watching = watch(finished.signal)
  try {
    await runFiles(files, options, playFile)
  } catch (error) {
    const reason = error instanceof ClosedError && gaveUp ? gaveUp : (error as Error)
    gaveUp ??= reason
    throw reason
  } finally {
    finished.abort()
    for (const client of clients) closing.push(client.close())
    await Promise.all([watching, ...closing])
  }

  return {
    files: files.length,
    lines: files.reduce((sum, { plan }) => sum + plan.lines, 0),
    chats: tally.chats,
    joins: tally.joins,
    parts: tally.parts,
    renames: files.reduce((sum, { plan }) => sum + plan.renames, 0),
    skipped: sumOf(files.map(({ plan }) => plan.skipped)),
    rejected: tally.rejected,
    rejectedBy,
    reconnections: tally.reconnections,
    rooms: replayed.sort((a, b) => (a.name < b.name ? -1 : 1)),
    interrupted: options.stop.aborted,
    seconds: Math.round(clock.now() - startedAt) / 1_000,
  }
}

async function makeRooms(admin: AdminClient, files: readonly ReplayFile[]): Promise<Map<string, string>> {
  const uris = new Map<string, string>()
  for (const batch of batches(files.map(({ room }) => room))) {
    const { rooms } = await admin.ask('addRooms', { body: { rooms: batch.map((name) => ({ name })) } })
    for (const { name, uri } of rooms) uris.set(name, uri)
  }
  return uris
}

async function makeAccounts(admin: AdminClient, files: readonly ReplayFile[]): Promise<Map<string, string>> {
  const nicks = new Set(files.flatMap(({ plan }) => [...plan.nicks]))
  const keys = new Map<string, string>()
  for (const batch of batches([...nicks])) {
    const users = batch.map((account): NewUser => ({ account, generateKey: true, rotateKey: true }))
    const reply = await admin.ask('addUsers', { body: { users } })
    for (const { account, key } of reply.users) {
      if (key === undefined) throw refused(`The pool gave no key for the account ${JSON.stringify(account)}.`)
      keys.set(account, key)
    }
  }
  return keys
}

/** Runs the files in order, so many at once as the limits allow. The first failure ends it. */
async function runFiles(
  files: readonly ReplayFile[],
  { filesAtOnce, sessionsMax }: Pick<ReplayOptions, 'filesAtOnce' | 'sessionsMax'>,
  play: (file: ReplayFile) => Promise<void>,
): Promise<void> {
  const running = new Map<ReplayFile, Promise<ReplayFile>>()
  let people = 0
  for (const file of files) {
    while (running.size >= filesAtOnce || (running.size > 0 && people + file.plan.nicks.size > sessionsMax)) {
      const done = await Promise.race(running.values())
      running.delete(done)
      people -= done.plan.nicks.size
    }
    people += file.plan.nicks.size
    running.set(
      file,
      play(file).then(() => file),
    )
  }
  await Promise.all(running.values())
}

function createLimit(atOnce: number): <T>(work: () => Promise<T>) => Promise<T> {
  const queue: (() => void)[] = []
  let running = 0
  return async (work) => {
    if (running >= atOnce) await new Promise<void>((resolve) => queue.push(resolve))
    else running += 1
    try {
      return await work()
    } finally {
      const next = queue.shift()
      if (next) next()
      else running -= 1
    }
  }
}

function* batches<T>(all: readonly T[]): Generator<T[]> {
  for (let from = 0; from < all.length; from += BATCH_MAX) yield all.slice(from, from + BATCH_MAX)
}

function sumOf(counts: readonly Skipped[]): Skipped {
  const sum: Skipped = {}
  for (const one of counts) {
    for (const [kind, count] of Object.entries(one) as [keyof Skipped, number][]) sum[kind] = (sum[kind] ?? 0) + count
  }
  return sum
}
