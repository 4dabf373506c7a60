import {
  administers,
  asSeenBy,
  identitiesOf,
  type Room,
  type RoomAsker,
  type RoomFilter,
  listRooms as readRooms,
  roomCursor,
} from '@hansard/pool-store'
import type { RoomRole } from '@hansard/rooms'
import type { Database } from '@hansard/sql'
import type { ClientMessageOf } from '@hansard/wire'
import type { Session } from '../delivery/session.ts'
import type { ChannelServiceDeps } from '../deps.ts'

/** The original's default. */
const ROOM_LIST_DEFAULT = 100
const WORDS_MAX = 8

/**
 * Shows rooms by name: those the caller may join, or with `all` every one it may see. An administrator sees every
 * room; this joins none.
 */
export async function listRooms(
  { db }: Pick<ChannelServiceDeps, 'db'>,
  session: Session,
  message: ClientMessageOf<'rooms'>,
): Promise<void> {
  if (wordsOf(message).length > WORDS_MAX) {
    return session.refuse(message.id, 'invalid', `A filter for rooms may have at most ${WORDS_MAX} words.`)
  }
  // A listing reads every room: allow a session one at a time, so that others do not wait for many.
  if (session.listing) return session.refuse(message.id, 'too-fast', 'One list of rooms at a time.')
  session.listing = true
  try {
    await listOnce(db, session, message)
  } finally {
    session.listing = false
  }
}

/** `exact` compares the whole name, with its spaces. */
function wordsOf({ text = '', match }: Pick<ClientMessageOf<'rooms'>, 'text' | 'match'>): string[] {
  const words = match === 'exact' ? [text.trim()] : text.split(/\s+/)
  return words.filter((word) => word !== '')
}

async function listOnce(db: Database, session: Session, message: ClientMessageOf<'rooms'>): Promise<void> {
  const { id, after, limit = ROOM_LIST_DEFAULT } = message
  const { id: principalId } = session.principal!
  const rooms = await asSeenBy(db, principalId, async (identities) => {
    const { filter, holding } = await criteriaOf(db, message, principalId)
    const administrator = await administers(db, session.principal!)
    const among: RoomAsker['among'] = !message.all ? 'joinable' : administrator ? 'all' : 'seen'
    return readRooms(db, {
      after: storable(after),
      limit,
      filter,
      asker: { identities, among, seesRoles: administrator, holding },
    })
  })
  session.send({
    t: 'rooms',
    re: id,
    rooms: rooms.map(roomEntry),
    next: rooms.length === limit ? roomCursor(rooms.at(-1)!) : null,
  })
}

/** A room, as shown to everybody who may see it. */
export function roomEntry({ uri, name, privacy, description, topic, type, disabled }: Room) {
  return { uri, name, privacy, description, topic, type, disabled }
}

async function criteriaOf(
  db: Database,
  message: ClientMessageOf<'rooms'>,
  principalId: number,
): Promise<{ filter: RoomFilter; holding: RoomRole[] }> {
  const { match = 'all', inDescription = false, privacy, type, invitations, disabled, category, addIn } = message
  const words = wordsOf(message).map(storable)
  const [member, manager, joined] = await Promise.all(
    [message.member, message.manager, message.joined].map((uri) => idOf(db, uri)),
  )
  const holding: RoomRole[] = []
  if (message.mine || member === principalId) holding.push('member')
  if (message.managed || manager === principalId) holding.push('manager')
  return {
    holding,
    filter: {
      privacy,
      type,
      addIn: storable(addIn),
      invitations,
      disabled,
      joined,
      ...(category === undefined ? {} : { category: { name: storable(category) } }),
      ...(words.length > 0 ? { text: { words, match, inDescription } } : {}),
      ...(member === undefined || member === principalId ? {} : { member: [...(await identitiesOf(db, member))] }),
      ...(manager === undefined || manager === principalId ? {} : { manager: [...(await identitiesOf(db, manager))] }),
      ...(message.followed ? { followedBy: principalId } : {}),
      ...(message.invited ? { invited: principalId } : {}),
    },
  }
}

/** The principal with this URI; `NOBODY` if there is none. */
async function idOf(db: Database, uri: string | undefined): Promise<number | undefined> {
  if (uri === undefined) return undefined
  const row: { id: number } | undefined = await db
    .knex('principal')
    .where({ uri: storable(uri) })
    .first('id')
  return row?.id ?? NOBODY
}

/** PostgreSQL cannot hold U+0000, and no name contains it. */
function storable<T extends string | undefined>(text: T): T {
  return text?.replaceAll('\0', '\ufffd') as T
}

/** No row has this id. */
const NOBODY = -1
