import { putPreference as putPreferenceInStore } from '@hansard/pool-store'
import { nameProblem } from '@hansard/rooms'
import type { ClientMessageOf } from '@hansard/wire'
import type { Session } from '../delivery/session.ts'
import type { ChannelServiceDeps } from '../deps.ts'

/** Replaces a bundle of preferences if it still has the version that the client names. */
export async function putPreference(
  { db }: Pick<ChannelServiceDeps, 'db'>,
  session: Session,
  { id, label, version: replaces, content }: ClientMessageOf<'put-preference'>,
): Promise<void> {
  const problem = nameProblem('A label', label)
  if (problem) return session.refuse(id, 'invalid', problem)
  const result = await putPreferenceInStore(db, { principalId: session.principal!.id, label, replaces, content })
  if (result.outcome === 'limit-exceeded') return session.refuse(id, 'limit-exceeded', result.message)
  if (result.outcome === 'conflict') {
    return session.refuse(
      id,
      'conflict',
      `This bundle is at version ${result.version}, not ${replaces}. Ask for it again.`,
    )
  }
  session.send({ t: 'preference', re: id, label, version: result.version })
}
