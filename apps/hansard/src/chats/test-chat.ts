import { randomUUID } from 'node:crypto'
import { connect, type PoolClient, RefusedError, type RoomHandle, UnreachableError } from '@hansard/client'
import { systemClock } from '@hansard/clock'
import { CommandFailure, refused } from '../cli/command-failure.ts'
import { answer, type ExitCode, type Io } from '../cli/io.ts'
import { findPool } from '../cli/pool-address.ts'
import { readPassword } from '../cli/prompt.ts'
import type { PoolOptions } from '../cli/verb.ts'
import { wsSocket } from '../cli/ws-socket.ts'
import { uriOf } from '../talk/talk.ts'

export type TestChatOptions = PoolOptions & { readonly sender: string; readonly receiver: string }

const HEARD_WITHIN_MS = 30_000

/**
 * Signs two accounts in, brings them into a room, has each post a chat that the other must be handed, and takes them
 * out again. What is posted is real talk and goes on record like any other.
 */
export async function testChat(io: Io, room: string, options: TestChatOptions): Promise<ExitCode> {
  const { servers } = await findPool(options)
  const clients: PoolClient[] = []
  const signIn = async (account: string, variable: string) => {
    const password = await readPassword(io, { variable, question: `Password of ${account}: ` })
    const client = await step(`${account} could not sign in`, () =>
      connect({ server: servers, account, password, openSocket: wsSocket }),
    )
    clients.push(client)
    return client
  }
  try {
    const startedAt = systemClock.now()
    const sender = await signIn(options.sender, 'HANSARD_SENDER_PASSWORD')
    const receiver = await signIn(options.receiver, 'HANSARD_RECEIVER_PASSWORD')
    const names = { sender: `${options.sender} (sender)`, receiver: `${options.receiver} (receiver)` }
    const uri = await step(`${names.sender} could not look for the room`, () => uriOf(sender, room))
    const one = await step(`${names.sender} could not come into ${room}`, () => enter(sender, uri))
    const other = await step(`${names.receiver} could not come into ${room}`, () => enter(receiver, uri))
    const there = await step(`No chat came from ${names.sender} to ${names.receiver}`, () => exchange(one, other))
    const back = await step(`No chat came from ${names.receiver} to ${names.sender}`, () => exchange(other, one))
    await step(`${names.sender} could not go out`, () => one.handle.part())
    await step(`${names.receiver} could not go out`, () => other.handle.part())
    const result = {
      result: 'success',
      server: servers[0]!,
      room: uri,
      totalMs: systemClock.now() - startedAt,
      thereMs: there,
      backMs: back,
    }
    answer(
      io,
      options.json,
      result,
      () => `Chats went there in ${there} ms and back in ${back} ms; ${result.totalMs} ms for all of it.\n`,
    )
    return 0
  } finally {
    await Promise.all(clients.map((client) => client.close()))
  }
}

/** What failed of the test, and of whom: of two accounts the pool's own words do not say which. */
async function step<T>(failed: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const { message } = error as Error
    const { exitCode = error instanceof RefusedError ? 1 : 2, code, hint } = error as Partial<CommandFailure>
    throw new CommandFailure(exitCode, `${failed}: ${message}`, { hint: hint ?? diagnosis(error), code, cause: error })
  }
}

function diagnosis(error: unknown): string | undefined {
  if (error instanceof UnreachableError)
    return error.answered ? undefined : 'Is the service running? See `hansard status`.'
  if (!(error instanceof RefusedError)) return undefined
  if (error.code === 'wrong-credentials')
    return 'See `hansard users show ACCOUNT`: is it disabled, or the password another?'
  return 'See `hansard rooms show ROOM`: is the account a member, in an auditorium a presenter, and is the room enabled?'
}

type Inside = { readonly handle: RoomHandle; readonly heard: Map<string, () => void> }

async function enter(client: PoolClient, uri: string): Promise<Inside> {
  const heard = new Map<string, () => void>()
  const handle = await client.join(uri, { onChat: ({ text }) => heard.get(text)?.() })
  return { handle, heard }
}

/** Milliseconds from posting until the other one was handed the chat. */
async function exchange(from: Inside, to: Inside): Promise<number> {
  const text = `test chat ${randomUUID()}`
  const postedAt = systemClock.now()
  const patience = new AbortController()
  const arrived = new Promise<number>((resolve) => to.heard.set(text, () => resolve(systemClock.now() - postedAt)))
  const late = systemClock.sleep(HEARD_WITHIN_MS, patience.signal).then(() => {
    throw refused(`A chat was posted and not handed out within ${HEARD_WITHIN_MS / 1_000} seconds.`)
  })
  try {
    await from.handle.post(text)
    return await Promise.race([arrived, late])
  } finally {
    patience.abort()
    await late.catch(() => {})
  }
}
