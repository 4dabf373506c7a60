import { connect, type PoolClient, RefusedError } from '@hansard/client'
import { systemClock } from '@hansard/clock'
import { CommandFailure, misused } from '../cli/command-failure.ts'
import type { ExitCode, Io } from '../cli/io.ts'
import { knownDevice } from '../cli/known-devices.ts'
import { type Paint, paintFor } from '../cli/paint.ts'
import { type AddressOptions, findPool } from '../cli/pool-address.ts'
import { readPassword, typeLine } from '../cli/prompt.ts'
import { duration, visible } from '../cli/table.ts'
import { wsSocket } from '../cli/ws-socket.ts'
import { say } from './chat-commands.ts'
import { type ChatScreen, openChatScreen } from './chat-screen.ts'
import { completeLine } from './complete-line.ts'
import { ROOM_COMMANDS } from './room-commands.ts'
import type { Talk, Tell } from './talk.ts'
import { readTalkLine, TALK_HELP, type TalkLine } from './talk-line.ts'

export type ChatOptions = AddressOptions & {
  readonly account?: string | undefined
  /** lines of an input that is no terminal may be commands */
  readonly commands?: boolean
  readonly json: boolean
}

/** After Ctrl-C, what is under way may take so long; then the connection is closed under it. */
const FAREWELL_MS = 1_500

/**
 * Talks, in a terminal or from a script.
 *
 * Lines are carried out one after the other, each answered before the next: a script's chats are recorded in its order,
 * and when the input ends nothing is left unrecorded. A line is a command only when a person types it or the caller
 * allows it: otherwise piped text of other people could give commands.
 *
 * Exit code 1 when any line of a script was refused; of what a person types, when the last one was.
 */
export async function chatCommand(io: Io, rooms: readonly string[], options: ChatOptions): Promise<ExitCode> {
  const { servers } = await findPool(options)
  const interactive = io.stdin.isTTY === true
  const commands = interactive || options.commands === true
  const paint = paintFor(io)
  const account = options.account ?? (await askAccount(io))
  const password = await readPassword(io, { variable: 'HANSARD_PASSWORD', question: `Password of ${account}: ` })
  const device = await knownDevice(io, { server: servers[0]!, account })
  let screen: ChatScreen | undefined
  const tell: Tell = (text, event) => {
    const line = options.json ? JSON.stringify(event) : text && shownNotice(text, paint)
    if (line === undefined) return
    if (screen) screen.show(line)
    else io.stdout.write(`${line}\n`)
  }

  const tellNews = async (room: string, last: number) => {
    // A watch begins with the room's last chat number. An empty room has none.
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
      tell(`-- the connection was lost (${visible(cause.message)}); trying again in ${duration(delayMs)}`, {
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
      if (cause) tell(`-- signed out: ${visible(whyClosed(cause))}`, { event: 'closed', message: whyClosed(cause) })
      screen?.close()
    },
  })
  const { name, uri } = client.principal
  const help = commands ? '; /help tells what you can type' : ''
  tell(`-- signed in as ${visible(name)} (${visible(uri)})${help}`, { event: 'signed-in', name, uri })

  screen = openChatScreen(io, {
    onInterrupted: () => void systemClock.after(FAREWELL_MS, () => void client.close()),
    complete: (line) => completeLine(line, talk, async () => (await client.rooms({})).map((room) => room.name)),
  })
  const { lines, setPrompt } = screen
  const typed = lines[Symbol.asyncIterator]()
  const talk: Talk = {
    client,
    tell,
    rooms: new Map(),
    current: undefined,
    more: undefined,
    paint,
    seen: new Map(),
    async nextLine(prompt) {
      setPrompt(prompt)
      const { value, done } = await typed.next()
      if (done) return undefined
      if ('text' in value) return value.text
      throw misused(`Line ${value.number} of the input was not posted: ${value.problem}.`)
    },
  }
  let refusals = 0
  let lastRefused = false
  const refuse = (error: unknown) => {
    refusals += 1
    lastRefused = true
    const { message } = error as Error
    const code = error instanceof RefusedError || error instanceof CommandFailure ? error.code : undefined
    tell(`!! ${visible(message)}`, { event: 'refused', ...(code === undefined ? {} : { code }), message })
  }
  const obey = async (act: () => Promise<void> | void) => {
    try {
      await act()
      lastRefused = false
    } catch (error) {
      refuse(error)
    }
  }
  const nextAsked = async (): Promise<TalkLine> => {
    try {
      const line = await talk.nextLine(`${talk.current ? visible(talk.current.name) : '(no room)'}> `)
      return line === undefined ? { kind: 'quit' } : readTalkLine(line, { commands })
    } catch (error) {
      // A line that is not text: those after it are.
      refuse(error)
      return { kind: 'nothing' }
    }
  }
  for (const room of rooms) await obey(() => ROOM_COMMANDS['join']!.run(talk, room))
  for (;;) {
    const asked = await nextAsked()
    if (asked.kind === 'quit') break
    if (asked.kind !== 'nothing') await obey(() => carryOut(talk, asked))
  }
  if (client.state === 'connected') await Promise.all([...talk.rooms.values()].map((room) => room.part()))
  screen.close()
  await client.close()
  await device.kept()
  return (interactive ? lastRefused : refusals > 0) ? 1 : 0
}

/** What was refused stands out, and what the pool tells of itself stands back. */
function shownNotice(text: string, paint: Paint): string {
  if (text.startsWith('!!')) return paint('red', text)
  return text.startsWith('--') ? paint('dim', text) : text
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
