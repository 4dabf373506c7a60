import { identitiesOf, listRooms as readRooms } from '@hansard/pool-store'
import type { ClientMessageOf } from '@hansard/wire'
import type { Session } from './session.ts'
import type { ChannelServiceParts } from './use-case.ts'

const ROOM_LIST_MAX = 1_000

/** Shows the rooms somebody may find. */
export async function listRooms(
  { db }: Pick<ChannelServiceParts, 'db'>,
  session: Session,
  { id, all = false, after, limit = ROOM_LIST_MAX }: ClientMessageOf<'rooms'>,
): Promise<void> {
  const identities = [...(await identitiesOf(db, session.principal!.id))]
  const found = await readRooms(db, { after, limit, visibleTo: { identities, onlyJoinable: !all } })
  const rooms = found.map(({ uri, name, privacy, description, topic, type, disabled }) => ({
    uri,
    name,
    privacy,
    description,
    topic,
    type,
    disabled,
  }))
  session.send({ t: 'rooms', re: id, rooms, next: found.length === limit ? found.at(-1)!.name : null })
}
