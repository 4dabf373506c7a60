import {
  asSeenBy,
  followedRoomIds,
  identitiesOf,
  invitedRoomIds,
  type Room,
  type RoomFilter,
  listRooms as readRooms,
} from '@hansard/pool-store'
import type { Database } from '@hansard/sql'
import type { ClientMessageOf } from '@hansard/wire'
import type { Session } from './session.ts'
import type { ChannelServiceParts } from './use-case.ts'

const ROOM_LIST_MAX = 1_000

/**
 * Shows rooms by name: those somebody may join, or with `all` every one they may see. An administrator sees every room,
 * and joins none for it.
 */
export async function listRooms(
  { db }: Pick<ChannelServiceParts, 'db'>,
  session: Session,
  message: ClientMessageOf<'rooms'>,
): Promise<void> {
  const { id, all = false, after, limit = ROOM_LIST_MAX } = message
  if (wordsOfText(message.text).length > WORDS_MAX) {
    return session.refuse(id, 'invalid', `Rooms are looked for by ${WORDS_MAX} words at most.`)
  }
  // One listing reads every room: whoever asks for many at once waits, and nobody else for them.
  if (session.listing) return session.refuse(id, 'too-fast', 'One list of rooms at a time.')
  session.listing = true
  try {
    await listOnce(db, session, message, { all, after, limit })
  } finally {
    session.listing = false
  }
}

const WORDS_MAX = 8

const wordsOfText = (text = '') => text.split(/\s+/).filter((word) => word !== '')

async function listOnce(
  db: Database,
  session: Session,
  message: ClientMessageOf<'rooms'>,
  { all, after, limit }: { all: boolean; after: string | undefined; limit: number },
): Promise<void> {
  const { id } = message
  const { id: principalId, roles } = session.principal!
  const rooms = await asSeenBy(db, principalId, async (identities) => {
    const filter = await filterOf(db, message, { principalId, identities })
    const everything = all && roles.includes('administrator')
    return readRooms(db, {
      after,
      limit,
      filter,
      ...(everything ? {} : { visibleTo: { identities, onlyJoinable: !all } }),
    })
  })
  session.send({
    t: 'rooms',
    re: id,
    rooms: rooms.map(roomEntry),
    next: rooms.length === limit ? rooms.at(-1)!.name : null,
  })
}

/** What a room is called and looks like, to whoever may see it. */
export function roomEntry({ uri, name, privacy, description, topic, type, disabled }: Room) {
  return { uri, name, privacy, description, topic, type, disabled }
}

async function filterOf(
  db: Database,
  message: ClientMessageOf<'rooms'>,
  me: { principalId: number; identities: readonly number[] },
): Promise<RoomFilter> {
  const { text, match = 'all', inDescription = false, privacy, type, addIn, member, manager } = message
  const words = wordsOfText(text)
  const members = message.mine ? me.identities : await identitiesNamed(db, member)
  const managers = message.managed ? me.identities : await identitiesNamed(db, manager)
  const ids = [
    ...(message.followed ? [await followedRoomIds(db, me.principalId)] : []),
    ...(message.invited ? [await invitedRoomIds(db, me.principalId)] : []),
  ]
  return {
    privacy,
    type,
    addIn,
    ...(words.length > 0 ? { text: { words, match, inDescription } } : {}),
    ...(members ? { member: members } : {}),
    ...(managers ? { manager: managers } : {}),
    ...(ids.length > 0 ? { ids: ids.reduce((some, others) => some.filter((id) => others.includes(id))) } : {}),
  }
}

/** Whom a URI stands for: nobody, when there is no such principal. */
async function identitiesNamed(db: Database, uri: string | undefined): Promise<number[] | undefined> {
  if (uri === undefined) return undefined
  if (uri.includes('\0')) return []
  const row: { id: number } | undefined = await db.knex('principal').where({ uri }).first('id')
  return [...(await identitiesOf(db, row?.id ?? -1))]
}
