import { listAddIns as readAddIns } from '@hansard/pool-store'
import type { ClientMessageOf } from '@hansard/wire'
import type { Session } from '../delivery/session.ts'
import type { ChannelServiceDeps } from '../deps.ts'

/** Shows the add-ins that rooms can have. */
export async function listAddIns(
  { db }: Pick<ChannelServiceDeps, 'db'>,
  session: Session,
  { id }: ClientMessageOf<'add-ins'>,
): Promise<void> {
  session.send({ t: 'add-ins', re: id, addIns: await readAddIns(db) })
}
