import type { RoomListeners } from '@hansard/client'
import { systemClock } from '@hansard/clock'
import { counted, visible } from '../cli/table.ts'
import { chatText, here, joinedRoom, required, roomNamed, type Talk, type TalkCommand, uriOf, where } from './talk.ts'

/** Coming, going, and who and what is here. */
export const ROOM_COMMANDS: Readonly<Record<string, TalkCommand>> = {
  join: {
    takes: 'ROOM',
    names: 'rooms',
    help: 'come into a room, or go back to one you are in',
    run: (talk, rest) => join(talk, required(rest, '/join ROOM')),
  },
  part: {
    takes: '[ROOM]',
    names: 'rooms-here',
    help: 'go out of a room',
    async run(talk, rest) {
      const room = roomNamed(talk, rest)
      await room.part()
      forget(talk, room.uri)
      talk.tell(`-- you have left ${visible(room.name)}`, { event: 'out-of-room', room: room.name, uri: room.uri })
    },
  },
  who: {
    help: 'who is in this room',
    async run(talk) {
      const room = here(talk)
      const people = await room.roster()
      for (const { name } of people) noteName(talk, room.uri, name)
      const names = people.map(({ name }) => visible(name)).sort()
      talk.tell(`-- ${names.length} in ${visible(room.name)}: ${names.join(', ')}`, {
        event: 'who',
        room: room.name,
        people,
      })
    },
  },
  room: {
    help: 'what this room is',
    async run({ client, current, tell }) {
      const room = await client.room(here({ current }).uri)
      const about: [string, string | undefined][] = [
        ['description', room.description],
        ['topic', room.topic],
        ['privacy', room.privacy],
        ['type', room.type],
        ['category', room.category],
        ['add-in', room.addIn ? `${room.addIn.name} ${room.addIn.url}` : undefined],
        ['members', room.members?.map(({ name }) => name).join(', ')],
        ['managers', room.managers?.map(({ name }) => name).join(', ')],
        ['presenters', room.presenters?.map(({ name }) => name).join(', ')],
        ['you', room.mayPost ? 'may post' : 'may read'],
      ]
      const lines = about.flatMap(([what, says]) => (says ? [`--   ${what}: ${visible(says)}`] : []))
      tell([`-- ${visible(room.name)}`, ...lines].join('\n'), { event: 'about-room', ...room })
    },
  },
  rooms: {
    takes: '[WORDS]',
    help: 'the rooms you may join, or those of them with these words in the name',
    async run({ client, tell }, rest) {
      const list = await client.rooms(rest === '' ? {} : { text: rest })
      for (const { name, uri, privacy, topic } of list) {
        const isShared = list.some((other) => other.name === name && other.uri !== uri)
        const more = [
          ...(privacy === 'open' ? [] : [` (${privacy})`]),
          ...(topic === '' ? [] : [` – ${topic}`]),
          // Another room has this name, so that it takes the URI to join one of them.
          ...(isShared ? [` – ${uri}`] : []),
        ]
        tell(`-- ${visible(`${name}${more.join('')}`)}`, { event: 'room', name, uri })
      }
      tell(`-- ${counted(list.length, 'room')} you may join`, { event: 'rooms', rooms: list })
    },
  },
}

async function join(talk: Talk, wanted: string): Promise<void> {
  const { client, rooms, tell } = talk
  const known = joinedRoom(talk, wanted)
  if (known) {
    talk.current = known
    return
  }
  const uri = await uriOf(client, wanted)
  const handle = await client.join(uri, listenersOf(talk, uri, wanted))
  rooms.set(uri, handle)
  talk.current = handle
  const { name, topic, last } = handle
  const about = topic === '' ? '' : ` – ${visible(topic)}`
  tell(`-- you are in ${visible(name)}${about}; /history shows what was said before`, {
    event: 'in-room',
    room: name,
    uri,
    last,
  })
}

function listenersOf(talk: Talk, uri: string, wanted: string): RoomListeners {
  const { rooms, tell } = talk
  let known = wanted
  // The first chats may come before `join` has answered.
  const name = () => {
    known = rooms.get(uri)?.name ?? known
    return known
  }
  const notice = (text: string, event: { event: string } & Record<string, unknown>) =>
    tell(`${where(talk, name())}-- ${text}`, { room: name(), ...event })
  return {
    onChat: (chat) => {
      noteName(talk, uri, chat.from.name)
      tell(`${where(talk, name())}${chatText(chat, talk.paint, systemClock.now())}`, {
        event: 'chat',
        room: name(),
        ...chat,
      })
    },
    onChatReplaced: (change) =>
      notice(`chat ${change.chat} was replaced; it reads now: ${visible(change.text)}`, {
        event: 'chat-replaced',
        ...change,
      }),
    onChatPurged: ({ chat }) => notice(`chat ${chat} was removed`, { event: 'chat-purged', chat }),
    onJoined: (who) => {
      noteName(talk, uri, who.name)
      notice(`${visible(who.name)} has joined`, { event: 'joined', who })
    },
    onParted: (who) => notice(`${visible(who.name)} has parted`, { event: 'parted', who }),
    onParticipants: ({ shown, count }) =>
      notice(
        shown
          ? `${count} are here; comings and goings are told again`
          : `${count} are here: too many to tell comings and goings; /who lists them`,
        { event: 'participants', shown, count },
      ),
    onChanged: ({ name: now, topic, type, mayPost }) => {
      const before = known
      const parts = [
        ...(now === before ? [] : [`is called ${visible(now)} now`]),
        ...(topic === '' ? [] : [`is about: ${visible(topic)}`]),
        mayPost
          ? 'takes what you post'
          : type === 'auditorium'
            ? 'is an auditorium: you listen'
            : 'takes no posts of yours',
      ]
      known = now
      tell(`${where(talk, before)}-- ${visible(before)} ${parts.join(', ')}`, {
        event: 'room-changed',
        room: now,
        topic,
        type,
        mayPost,
      })
    },
    onRejoined: () => notice('you are back in this room; nothing that was said is missing', { event: 'rejoined' }),
    onClosed: (reason) => {
      const closed = name()
      forget(talk, uri)
      tell(`-- you are out of ${visible(closed)}: ${visible(reason)}`, { event: 'closed', room: closed, reason })
    },
  }
}

/** Names in a room are kept as long as one is in it, and so many at most. */
const NAMES_MAX = 2_000

function noteName({ seen }: Talk, uri: string, name: string): void {
  const names = seen.get(uri) ?? new Set()
  if (names.size < NAMES_MAX) seen.set(uri, names.add(name))
}

function forget(talk: Talk, uri: string): void {
  talk.rooms.delete(uri)
  talk.seen.delete(uri)
  if (talk.current?.uri === uri) talk.current = [...talk.rooms.values()].at(-1)
}
