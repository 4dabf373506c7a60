import { connect, type PoolClient, RefusedError } from '@hansard/client'
import { systemClock } from '@hansard/clock'
import { CommandFailure, misused } from '../command-failure.ts'
import type { ExitCode, Io } from '../io.ts'
import { knownDevice } from '../known-devices.ts'
import { type AddressOptions, findPool } from '../pool-address.ts'
import { readPassword, typeLine } from '../prompt.ts'
import { duration, visible } from '../table.ts'
import { say } from '../talk/chat-commands.ts'
import { type ChatScreen, openChatScreen } from '../talk/chat-screen.ts'
import { ROOM_COMMANDS } from '../talk/room-commands.ts'
import type { Talk, Tell } from '../talk/talk.ts'
import { readTalkLine, TALK_HELP, type TalkLine } from '../talk/talk-line.ts'
import { wsSocket } from '../ws-socket.ts'

type ChatOptions = AddressOptions & { readonly account?: string | undefined; readonly json: boolean }

/** After Ctrl-C, what is under way may take so long; then the connection is closed under it. */
const FAREWELL_MS = 1_500

/**
 * Talks, in a terminal or from a script.
 *
 * Lines are carried out one after the other, each answered before the next: a script's chats are recorded in its
 * order, and when the input ends nothing is left unrecorded. Exit code 1 when the pool refused any of it.
 */
export async function chatCommand(io: Io, rooms: readonly string[], options: ChatOptions): Promise<ExitCode> {
  const { servers } = await findPool(options)
  const account = options.account ?? (await askAccount(io))
  const password = await readPassword(io, { variable: 'HANSARD_PASSWORD', question: `Password of ${account}: ` })
  const device = await knownDevice(io, { server: servers[0]!, account })
  let screen: ChatScreen | undefined
  const tell: Tell = (text, event) => {
    const line = options.json ? JSON.stringify(event) : text
    if (line === undefined) return
    if (screen) screen.show(line)
    else io.stdout.write(`${line}\n`)
  }

  const tellNews = async (room: string, last: number) => {
    // Whoever begins to watch a room is told how far it is: of an empty one there is nothing to tell.
    if (last === 0) return
    // Its name may have changed since it was watched.
    const name = await client.room(room).then(
      (known) => known.name,
      () => room,
    )
    tell(`-- something is new in ${visible(name)}`, { event: 'new-content', room, name, last })
  }
  const client: PoolClient = await connect({
    server: servers,
    account,
    password,
    openSocket: wsSocket,
    ...(device.device === undefined ? {} : { device: device.device }),
    onDevice: device.onDevice,
    onReconnecting: ({ delayMs, cause }) =>
      tell(`-- the connection was lost (${cause.message}); trying again in ${duration(delayMs)}`, {
        event: 'reconnecting',
      }),
    onReconnected: () => tell('-- connected again', { event: 'reconnected' }),
    onInvited: () => tell('-- you were invited to a room; /invitations lists them', { event: 'invited' }),
    onFeedMatch: ({ feed, room, chat }) =>
      tell(`-- your feed ${visible(feed)} lets chat ${chat} through; /feed ${visible(feed)} opens it`, {
        event: 'feed-match',
        feed,
        room,
        chat,
      }),
    onNewContent: ({ room, last }) => void tellNews(room, last),
    onClosed: (cause) => {
      if (cause) tell(`-- signed out: ${whyClosed(cause)}`, { event: 'closed', message: whyClosed(cause) })
      screen?.close()
    },
  })
  const { name, uri } = client.principal
  tell(`-- signed in as ${visible(name)} (${uri}); /help tells what you can type`, { event: 'signed-in', name, uri })

  screen = openChatScreen(io, () => systemClock.after(FAREWELL_MS, () => void client.close()))
  const { lines, setPrompt } = screen
  const typed = lines[Symbol.asyncIterator]()
  const talk: Talk = {
    client,
    tell,
    rooms: new Map(),
    current: undefined,
    more: undefined,
    async nextLine(prompt) {
      setPrompt(prompt)
      const { value, done } = await typed.next()
      return done ? undefined : value
    },
  }
  let refusals = 0
  const obey = async (line: TalkLine) => {
    try {
      await carryOut(talk, line)
    } catch (error) {
      refusals += 1
      const { message } = error as Error
      const code = error instanceof RefusedError || error instanceof CommandFailure ? error.code : undefined
      tell(`!! ${message}`, { event: 'refused', ...(code === undefined ? {} : { code }), message })
    }
  }
  for (const room of rooms) await obey({ kind: 'command', command: ROOM_COMMANDS['join']!, rest: room })
  for (;;) {
    const line = await talk.nextLine(`${talk.current ? visible(talk.current.name) : '(no room)'}> `)
    if (line === undefined) break
    const asked = readTalkLine(line)
    if (asked.kind === 'quit') break
    await obey(asked)
  }
  if (client.state === 'connected') await Promise.all([...talk.rooms.values()].map((room) => room.part()))
  screen.close()
  await client.close()
  await device.kept()
  return refusals > 0 ? 1 : 0
}

/** Who was inside had the right password: what a new sign-in is refused with tells only half of what happened. */
function whyClosed(cause: Error): string {
  if (!(cause instanceof RefusedError) || cause.code !== 'wrong-credentials') return cause.message
  return 'the account may not sign in any more: it was disabled, or its password was changed.'
}

async function carryOut(talk: Talk, line: TalkLine): Promise<void> {
  switch (line.kind) {
    case 'nothing':
    case 'quit':
      return
    case 'say':
      return say(talk, line.text)
    case 'command':
      return line.command.run(talk, line.rest)
    case 'help':
      return talk.tell(TALK_HELP, { event: 'help', text: TALK_HELP })
    case 'unknown':
      throw misused(`${line.command} is not a command. /help lists them.`)
  }
}

async function askAccount(io: Io): Promise<string> {
  if (!io.stdin.isTTY) throw misused('Which account? Say --account NAME.')
  const account = (await typeLine(io, 'Account: ')).trim()
  if (account === '') throw misused('Which account? Say --account NAME.')
  return account
}
