import type { PoolClient } from '@hansard/client'
import { counted, utc, visible } from '../cli/table.ts'
import { showFound } from './chat-commands.ts'
import { firstWord, here, required, roomNamed, type TalkCommand, uriOf } from './talk.ts'

const SET_FEED = '/set-feed NAME [WORD …] [@ACCOUNT …] [+me]'

/** What one wants to hear of without looking. */
export const ATTENTION_COMMANDS: Readonly<Record<string, TalkCommand>> = {
  follow: {
    takes: '[ROOM]',
    names: 'rooms',
    help: 'follow a room: what is unread in it is counted',
    async run(talk, rest) {
      const uri = rest === '' ? here(talk).uri : await uriOf(talk.client, rest)
      await talk.client.follow(uri)
      talk.tell('-- you follow it; /followed lists what is unread', { event: 'done', uri })
    },
  },
  unfollow: {
    takes: '[ROOM]',
    names: 'rooms',
    help: 'follow it no longer',
    async run(talk, rest) {
      const uri = rest === '' ? here(talk).uri : await uriOf(talk.client, rest)
      await talk.client.unfollow(uri)
      talk.tell('-- you follow it no longer', { event: 'done', uri })
    },
  },
  followed: {
    help: 'the rooms you follow, and what is unread in them',
    async run({ client, tell }) {
      const rooms = await client.followed()
      for (const { name, unread } of rooms)
        tell(`-- ${visible(name)}: ${unread.toLocaleString('en-US')} unread`, { event: 'followed-room', name, unread })
      tell(`-- ${counted(rooms.length, 'room')} followed`, { event: 'followed', rooms })
    },
  },
  read: {
    takes: '[ROOM]',
    names: 'rooms-here',
    help: 'everything in a room you are in is read',
    async run(talk, rest) {
      const { uri, last } = roomNamed(talk, rest)
      await talk.client.markRead(uri, last)
      talk.tell(undefined, { event: 'done', uri, chat: last })
    },
  },
  watch: {
    takes: 'ROOM',
    names: 'rooms',
    help: 'be told that something is new in a room without going in',
    async run({ client, tell }, rest) {
      const uri = await uriOf(client, required(rest, '/watch ROOM'))
      await client.watch(uri)
      tell('-- you are told when something is posted there', { event: 'done', uri })
    },
  },
  unwatch: {
    takes: 'ROOM',
    names: 'rooms',
    help: 'not any more',
    async run({ client, tell }, rest) {
      const uri = await uriOf(client, required(rest, '/unwatch ROOM'))
      await client.unwatch(uri)
      tell(undefined, { event: 'done', uri })
    },
  },
  feeds: {
    help: 'your feeds, and what each lets through',
    async run({ client, tell }) {
      const feeds = await client.feeds()
      for (const { name, filter } of feeds) {
        const parts = [...filter.words, ...filter.authors.map((who) => `@${who}`), ...(filter.ego ? ['+me'] : [])]
        tell(`-- ${visible(`${name}: ${parts.join(' ')}`)}`, { event: 'feed', name, filter })
      }
      tell(`-- ${counted(feeds.length, 'feed')}`, { event: 'feeds', count: feeds.length })
    },
  },
  feed: {
    takes: 'NAME',
    help: 'what a feed has let through in your rooms, newest first; the look is recorded',
    run(talk, rest) {
      const name = required(rest, '/feed NAME')
      const page = (after?: string) => talk.client.openFeed(name, after === undefined ? {} : { after })
      return showFound(talk, page)
    },
  },
  'set-feed': {
    takes: '…',
    help: `${SET_FEED}: chats with any of the words, by any of the accounts, or that name you`,
    async run({ client, tell }, rest) {
      const [name, left] = firstWord(required(rest, SET_FEED))
      const parts = required(left, SET_FEED).split(/\s+/)
      const authors = parts.filter((part) => part.startsWith('@')).map((part) => personUri(part.slice(1), client))
      const words = parts.filter((part) => part !== '+me' && !part.startsWith('@'))
      await client.putFeed(name, { words, authors, ego: parts.includes('+me') })
      tell(`-- the feed ${visible(name)} is kept; /feed ${visible(name)} opens it`, { event: 'done', name })
    },
  },
  'drop-feed': {
    takes: 'NAME',
    help: 'keep a feed no longer',
    async run({ client, tell }, rest) {
      await client.deleteFeed(required(rest, '/drop-feed NAME'))
      tell('-- the feed is gone', { event: 'done', name: rest })
    },
  },
  invitations: {
    help: 'the rooms you were invited to',
    async run({ client, tell }) {
      let count = 0
      for (let after = 0, more = true; more; ) {
        const batch = await client.invitations({ after })
        for (const { room, roomName, from, at, invitation } of batch.invitations) {
          count += 1
          after = invitation
          tell(`-- ${visible(roomName)}, by ${visible(from.name)} at ${utc(at)}`, {
            event: 'invitation',
            invitation,
            room,
            roomName,
            from,
            at,
          })
        }
        more = batch.more && batch.invitations.length > 0
      }
      tell(`-- ${counted(count, 'invitation')}`, { event: 'invitations', count })
    },
  },
  preference: {
    takes: 'LABEL [TEXT]',
    help: 'what you keep at the pool under a label; with a text, keep that',
    async run({ client, tell }, rest) {
      const [label, content] = firstWord(required(rest, '/preference LABEL [TEXT]'))
      const kept = await client.preference(label)
      if (content === '') {
        const shown = kept.version === 0 ? 'nothing is kept there' : visible(kept.content ?? '')
        return tell(`-- ${visible(label)} (version ${kept.version}): ${shown}`, { event: 'preference', label, ...kept })
      }
      const version = await client.putPreference(label, { version: kept.version, content })
      tell(`-- ${visible(label)} is kept as version ${version}`, { event: 'preference', label, version, content })
    },
  },
}

/** The URI of somebody who was named by account, which is one of this pool's own domain. */
function personUri(who: string, { principal }: Pick<PoolClient, 'principal'>): string {
  if (/^[a-z-]+:/.test(who)) return who
  return who.includes('@') ? `sip:${who}` : `sip:${who}@${principal.uri.split('@').at(-1)}`
}
