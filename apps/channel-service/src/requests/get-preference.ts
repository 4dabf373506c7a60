import { findPreference } from '@hansard/pool-store'
import type { ClientMessageOf } from '@hansard/wire'
import type { Session } from '../delivery/session.ts'
import type { ChannelServiceDeps } from '../deps.ts'

/** Returns a bundle of preferences, without its content if the client has it already. */
export async function getPreference(
  { db }: Pick<ChannelServiceDeps, 'db'>,
  session: Session,
  { id, label, version: known }: ClientMessageOf<'preference'>,
): Promise<void> {
  const found = await findPreference(db, { principalId: session.principal!.id, label })
  const version = found?.version ?? 0
  const news = found && version !== known ? { content: found.content } : {}
  session.send({ t: 'preference', re: id, label, version, ...news })
}
