import { administers, creatableCategories, identitiesOf } from '@hansard/pool-store'
import type { Database } from '@hansard/sql'
import type { ClientMessageOf } from '@hansard/wire'
import type { Session } from '../delivery/session.ts'
import type { ChannelServiceDeps } from '../deps.ts'

/** Shows the categories in which the caller may create rooms. */
export async function listCategories(
  { db }: Pick<ChannelServiceDeps, 'db'>,
  session: Session,
  { id }: ClientMessageOf<'categories'>,
): Promise<void> {
  const found = await categoriesToCreateIn(db, session)
  const categories = found.map(({ name, description }) => ({ name, description }))
  session.send({ t: 'categories', re: id, categories })
}

export async function categoriesToCreateIn(db: Database, { principal }: Pick<Session, 'principal'>) {
  const { id } = principal!
  if (await administers(db, principal!)) return creatableCategories(db, 'everywhere')
  return creatableCategories(db, { identities: [...(await identitiesOf(db, id))] })
}
