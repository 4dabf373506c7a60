import { type Chat, connect, type PoolClient, RefusedError, type RoomHandle } from '@hansard/client'
import { systemClock } from '@hansard/clock'
import { CHAT_HELP, type ChatLine, readChatLine } from '../chat-line.ts'
import { type ChatScreen, openChatScreen } from '../chat-screen.ts'
import { misused } from '../command-failure.ts'
import type { ExitCode, Io } from '../io.ts'
import { type AddressOptions, findPool } from '../pool-address.ts'
import { readPassword, typeLine } from '../prompt.ts'
import { counted, duration, visible } from '../table.ts'
import { wsSocket } from '../ws-socket.ts'

export type ChatOptions = AddressOptions & { readonly account?: string | undefined; readonly json: boolean }

/** After Ctrl-C, what is under way may take so long; then the connection is closed under it. */
const FAREWELL_MS = 1_500

/**
 * Talks, in a terminal or from a script.
 *
 * Lines are carried out one after the other, each answered before the next: a script's chats are recorded in its
 * order, and when the input ends nothing is left unrecorded. Exit code 1 when the pool refused any of it.
 */
export async function chatCommand(io: Io, rooms: readonly string[], options: ChatOptions): Promise<ExitCode> {
  const { server } = await findPool(options)
  const account = options.account ?? (await askAccount(io))
  const password = await readPassword(io, { variable: 'HANSARD_PASSWORD', question: `Password of ${account}: ` })
  let screen: ChatScreen | undefined
  const tell: Tell = (text, event) => {
    const line = options.json ? JSON.stringify(event) : text
    if (line === undefined) return
    if (screen) screen.show(line)
    else io.stdout.write(`${line}\n`)
  }

  const client = await connect({
    server,
    account,
    password,
    openSocket: wsSocket,
    onReconnecting: ({ delayMs, cause }) =>
      tell(`-- the connection was lost (${cause.message}); trying again in ${duration(delayMs)}`, {
        event: 'reconnecting',
      }),
    onReconnected: () => tell('-- connected again', { event: 'reconnected' }),
    onClosed: (cause) => {
      if (cause) tell(`-- signed out: ${whyClosed(cause)}`, { event: 'closed', message: whyClosed(cause) })
      screen?.close()
    },
  })
  const talk = startTalk(client, tell)
  const { name, uri } = client.principal
  tell(`-- signed in as ${visible(name)} (${uri}); /help tells what you can type`, { event: 'signed-in', name, uri })

  screen = openChatScreen(io, () => systemClock.after(FAREWELL_MS, () => void client.close()))
  for (const room of rooms) await talk.obey({ kind: 'join', room })
  screen.setPrompt(talk.prompt())
  for await (const line of screen.lines) {
    const asked = readChatLine(line)
    if (asked.kind === 'quit') break
    await talk.obey(asked)
    screen.setPrompt(talk.prompt())
  }
  await talk.end()
  screen.close()
  await client.close()
  return talk.refusals() > 0 ? 1 : 0
}

/** Who was inside had the right password: what a new sign-in is refused with tells only half of what happened. */
function whyClosed(cause: Error): string {
  if (!(cause instanceof RefusedError) || cause.code !== 'wrong-credentials') return cause.message
  return 'the account may not sign in any more: it was disabled, or its password was changed.'
}

/** The same said to a person and to a program. */
type Tell = (text: string | undefined, event: object) => void

function startTalk(client: PoolClient, tell: Tell) {
  const rooms = new Map<string, RoomHandle>()
  let current: RoomHandle | undefined
  let refusals = 0

  const where = (room: string) => (rooms.size > 1 ? `[${visible(room)}] ` : '')
  const tellChat = (room: string, chat: Chat) =>
    tell(`${where(room)}${chatText(chat.at, chat.from.name, shownText(chat))}`, { event: 'chat', room, ...chat })

  const join = async (wanted: string | undefined) => {
    if (wanted === undefined) throw misused('Which room? /join ROOM')
    const known = [...rooms.values()].find(({ name, uri }) => name === wanted || uri === wanted)
    if (known) {
      current = known
      return
    }
    const uri = await uriOf(client, wanted)
    const handle = await client.join(uri, {
      // The first chats may come before `join` has answered.
      onChat: (chat) => tellChat(rooms.get(uri)?.name ?? wanted, chat),
      onJoined: (who) =>
        tell(`${where(wanted)}-- ${visible(who.name)} has joined`, { event: 'joined', room: wanted, who }),
      onParted: (who) =>
        tell(`${where(wanted)}-- ${visible(who.name)} has parted`, { event: 'parted', room: wanted, who }),
      onClosed: (reason) => {
        rooms.delete(uri)
        if (current?.uri === uri) current = [...rooms.values()].at(-1)
        tell(`-- you are out of ${visible(wanted)}: ${reason}`, { event: 'closed', room: wanted, reason })
      },
    })
    rooms.set(uri, handle)
    current = handle
    tell(`-- you are in ${visible(handle.name)}; /history shows what was said before`, {
      event: 'in-room',
      room: handle.name,
      uri,
      last: handle.last,
    })
  }

  const part = async (named: string | undefined) => {
    const room =
      named === undefined ? here() : [...rooms.values()].find(({ name, uri }) => name === named || uri === named)
    if (!room) throw misused(`You are not in a room called ${named}.`)
    await room.part()
    rooms.delete(room.uri)
    if (current === room) current = [...rooms.values()].at(-1)
    tell(`-- you have left ${visible(room.name)}`, { event: 'out-of-room', room: room.name, uri: room.uri })
  }

  const here = () => {
    if (current) return current
    throw misused('You are in no room. /rooms lists them, /join ROOM goes into one.')
  }

  const carryOut = async (line: ChatLine): Promise<void> => {
    switch (line.kind) {
      case 'nothing':
      case 'quit':
        return
      case 'say': {
        const room = here()
        const { chat, at } = await room.post(line.text)
        // A person sees it come back like everybody's; a script is told that it is on record.
        tell(undefined, { event: 'posted', room: room.name, chat, at })
        return
      }
      case 'join':
        return join(line.room)
      case 'part':
        return part(line.room)
      case 'who': {
        const room = here()
        const people = await room.roster()
        const names = people.map(({ name }) => visible(name)).sort()
        tell(`-- ${names.length} in ${visible(room.name)}: ${names.join(', ')}`, {
          event: 'who',
          room: room.name,
          people,
        })
        return
      }
      case 'history': {
        const room = here()
        const { chats, more } = await room.history({ limit: line.limit })
        for (const chat of chats) tellChat(room.name, chat)
        tell(`-- ${counted(chats.length, 'chat')}${more ? ', and there are earlier ones' : ''}`, {
          event: 'history',
          room: room.name,
          more,
        })
        return
      }
      case 'rooms': {
        const list = await client.rooms()
        for (const { name, privacy } of list)
          tell(`-- ${visible(name)}${privacy === 'open' ? '' : ` (${privacy})`}`, { event: 'room', name })
        tell(`-- ${counted(list.length, 'room')} you may join`, { event: 'rooms', rooms: list })
        return
      }
      case 'help':
        tell(CHAT_HELP, { event: 'help', text: CHAT_HELP })
        return
      case 'unknown':
        throw misused(`${line.command} is not a command. /help lists them.`)
    }
  }

  return {
    prompt: () => `${current ? visible(current.name) : '(no room)'}> `,
    refusals: () => refusals,
    async obey(line: ChatLine) {
      try {
        await carryOut(line)
      } catch (error) {
        refusals += 1
        const { message } = error as Error
        const code = error instanceof RefusedError ? error.code : undefined
        tell(`!! ${message}`, { event: 'refused', ...(code === undefined ? {} : { code }), message })
      }
    },
    async end() {
      if (client.state === 'connected') await Promise.all([...rooms.values()].map((room) => room.part()))
    },
  }
}

async function uriOf(client: PoolClient, wanted: string): Promise<string> {
  if (wanted.startsWith('ma-chan://')) return wanted
  const room = (await client.rooms()).find(({ name }) => name === wanted)
  if (room) return room.uri
  throw new RefusedError('no-such-room', `There is no room "${wanted}" that you may join. /rooms lists those you may.`)
}

async function askAccount(io: Io): Promise<string> {
  if (!io.stdin.isTTY) throw misused('Which account? Say --account NAME.')
  const account = (await typeLine(io, 'Account: ')).trim()
  if (account === '') throw misused('Which account? Say --account NAME.')
  return account
}

/** What stands for a chat on a line: an alert is marked, a story begins with its title. */
function shownText({ text, title, alert, replaced }: Chat): string {
  const marks = [...(alert ? ['ALERT '] : []), ...(title === undefined ? [] : [`[${title}] `])].join('')
  return `${marks}${text}${replaced ? ' (replaced)' : ''}`
}

function chatText(at: number, name: string, text: string): string {
  const time = new Date(at)
  const clock = `${String(time.getHours()).padStart(2, '0')}:${String(time.getMinutes()).padStart(2, '0')}`
  const lines = text.split(/\r?\n/).map(visible)
  const action = /^\/me (.*)$/s.exec(lines[0]!)
  const first = action ? `${clock}  * ${visible(name)} ${action[1]}` : `${clock} <${visible(name)}> ${lines[0]}`
  return [first, ...lines.slice(1).map((line) => `${' '.repeat(6)}${line}`)].join('\n')
}
