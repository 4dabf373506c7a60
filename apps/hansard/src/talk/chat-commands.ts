import type { Found } from '@hansard/client'
import { systemClock } from '@hansard/clock'
import { misused } from '../cli/command-failure.ts'
import { counted, visible } from '../cli/table.ts'
import { chatText, firstWord, here, required, type Talk, type TalkCommand, wholeNumber } from './talk.ts'

const HISTORY_DEFAULT = 30
const STORY_ENDS = '.'

/** What is said, looked up and put right. */
export const CHAT_COMMANDS: Readonly<Record<string, TalkCommand>> = {
  alert: {
    takes: 'TEXT',
    help: 'a chat of high importance',
    run: (talk, rest) => say(talk, required(rest, '/alert TEXT'), { alert: true }),
  },
  story: {
    takes: 'TITLE',
    help: 'a story: the lines that follow are its text, up to a line with a single dot',
    async run(talk, rest) {
      const title = required(rest, '/story TITLE')
      here(talk)
      const lines: string[] = []
      for (;;) {
        const line = await talk.nextLine('story, a dot ends it> ')
        // Half a story is nobody's: an input that ends in the middle of one posts nothing.
        if (line === undefined) throw misused(`The story "${title}" has no end: a line with a single dot ends it.`)
        if (line === STORY_ENDS) break
        lines.push(line)
      }
      if (lines.length === 0) throw misused(`The story "${title}" has no text.`)
      await say(talk, lines.join('\n'), { title })
    },
  },
  history: {
    takes: '[N]',
    help: `the last N chats (${HISTORY_DEFAULT} when not said), with their numbers; the look is recorded`,
    async run(talk, rest) {
      const { tell } = talk
      const room = here(talk)
      const limit = rest === '' ? HISTORY_DEFAULT : wholeNumber(rest, '/history [N]')
      const { chats, more } = await room.history({ limit })
      for (const chat of chats)
        tell(`#${chat.chat} ${chatText(chat, talk.paint, systemClock.now())}`, {
          event: 'chat',
          room: room.name,
          past: true,
          ...chat,
        })
      tell(`-- ${counted(chats.length, 'chat')}${more ? ', and there are earlier ones' : ''}`, {
        event: 'history',
        room: room.name,
        more,
      })
    },
  },
  find: {
    takes: 'WORDS',
    help: 'chats of this room with all of these words, newest first; the look is recorded',
    run: (talk, rest) => find(talk, required(rest, '/find WORDS'), [here(talk).uri]),
  },
  'find-all': {
    takes: 'WORDS',
    help: 'the same in every room you may read',
    run: (talk, rest) => find(talk, required(rest, '/find-all WORDS')),
  },
  more: {
    help: 'the next page of what was found last',
    async run(talk) {
      if (!talk.more) throw misused('There is no more. /find WORDS looks for something.')
      await talk.more()
    },
  },
  replace: {
    takes: 'NUMBER TEXT',
    help: 'put a text in the place of a chat, where the pool lets you; the record keeps the old one',
    async run(talk, rest) {
      const [number, text] = firstWord(rest)
      const chat = wholeNumber(number, '/replace NUMBER TEXT')
      await here(talk).replaceChat(chat, required(text, '/replace NUMBER TEXT'))
      talk.tell(undefined, { event: 'done', chat })
    },
  },
  delete: {
    takes: 'NUMBER',
    help: 'remove a chat, where the pool lets you; the record keeps it',
    async run(talk, rest) {
      const chat = wholeNumber(rest, '/delete NUMBER')
      await here(talk).deleteChat(chat)
      talk.tell(undefined, { event: 'done', chat })
    },
  },
}

export async function say(talk: Talk, text: string, options: { alert?: boolean; title?: string } = {}): Promise<void> {
  const room = here(talk)
  const { chat, at } = await room.post(text, options)
  // A person sees it come back like everybody's; a script is told that it is on record.
  talk.tell(undefined, { event: 'posted', room: room.name, chat, at })
}

function find(talk: Talk, words: string, rooms?: string[]): Promise<void> {
  const { client } = talk
  const page = (after?: string) =>
    client.search({ words }, { ...(rooms ? { rooms } : {}), ...(after === undefined ? {} : { after }) })
  return showFound(talk, page)
}

/** Shows a page of what was found and keeps where the next one begins. */
export async function showFound(talk: Talk, page: (after?: string) => Promise<Found>, after?: string): Promise<void> {
  const { tell } = talk
  talk.more = undefined
  const { chats, exceeded, next } = await page(after)
  for (const chat of chats)
    tell(`[${visible(chat.roomName)}] #${chat.chat} ${chatText(chat, talk.paint, systemClock.now())}`, {
      event: 'found-chat',
      ...chat,
    })
  if (exceeded && next !== undefined) talk.more = () => showFound(talk, page, next)
  tell(`-- ${counted(chats.length, 'chat')}${talk.more ? '; /more goes on' : ''}`, {
    event: 'found',
    count: chats.length,
    exceeded,
  })
}
