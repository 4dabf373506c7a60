import { identitiesOfMany } from '@hansard/pool-store'
import { domainDisplayName, domainUri, isKeepable, parseDomainUri, quoted } from '@hansard/rooms'
import type { Knex } from '@hansard/sql'
import { ChangeRefused } from './result.ts'

/** A principal as it appears in lists. */
export type Named = { readonly id: number; readonly uri: string; readonly name: string; readonly type: PrincipalType }
type PrincipalType = 'user' | 'group' | 'domain'

/** Changes a list by entries to add and remove, or replaces it by `set`. */
export type ListChange =
  | { readonly set: readonly string[] }
  | { readonly add?: readonly string[] | undefined; readonly remove?: readonly string[] | undefined }

const LIST_MAX = 16_000

/**
 * The principals of URIs (or bare user accounts), in the same order, each once. A domain becomes known when it is
 * first added to a list: its row is created then. Any other unknown name refuses the change, which tells who is in the
 * pool: for other callers than administrators there is `findListChange`.
 */
export async function findNamed(
  tx: Knex.Transaction,
  names: readonly string[],
  now: number,
  { toBeAdded = true }: { toBeAdded?: boolean } = {},
): Promise<Named[]> {
  requireLength(names.length)
  const wanted = [...new Set(names)]
  const hostile = wanted.find((name) => !isKeepable(name))
  if (hostile !== undefined) throw new ChangeRefused('no-such-principal', `There is no principal ${quoted(hostile)}.`)
  const found = await lookUp(tx, wanted)
  for (const name of wanted) {
    if (found.has(name)) continue
    const domain = parseDomainUri(name)
    if (domain === undefined) throw new ChangeRefused('no-such-principal', `There is no principal ${quoted(name)}.`)
    const named = toBeAdded ? await putDomain(tx, domain, now) : undefined
    if (named) found.set(name, named)
  }
  const named = wanted.flatMap((name) => found.get(name) ?? [])
  return [...new Map(named.map((one) => [one.id, one])).values()]
}

/** The principals by the names they were given; who is not there is left out. Domains are stored in lower case. */
async function lookUp(tx: Knex.Transaction, names: readonly string[]): Promise<Map<string, Named>> {
  const keys = new Map<string, string>()
  for (const name of names) {
    if (!isKeepable(name)) continue
    const domain = parseDomainUri(name)
    keys.set(name, domain === undefined ? name : domainUri(domain))
  }
  const wanted = [...keys.values()]
  const found = new Map<string, Named>()
  for (let from = 0; from < wanted.length; from += BATCH) {
    const batch = wanted.slice(from, from + BATCH)
    const rows: { id: number; uri: string; account: string; display_name: string; type: PrincipalType }[] = await tx(
      'principal',
    )
      .whereIn('uri', batch)
      .orWhere((users) => users.where({ type: 'user' }).whereIn('account', batch))
      .select('id', 'uri', 'account', 'display_name', 'type')
    for (const { id, uri, account, display_name: name, type } of rows) {
      const named = { id, uri, name, type }
      found.set(uri, named)
      if (type === 'user' && !found.has(account)) found.set(account, named)
    }
  }
  return new Map(
    [...keys].flatMap(([name, key]): [string, Named][] => {
      const named = found.get(key)
      return named ? [[name, named]] : []
    }),
  )
}

/** The principal that represents all users of a domain. */
export async function putDomain(tx: Knex.Transaction, domain: string, now: number): Promise<Named> {
  const uri = domainUri(domain)
  const name = domainDisplayName(domain)
  const row = { account: uri, uri, display_name: name, type: 'domain', domain, secret: '', created_at: now }
  await tx('principal').insert(row).onConflict('uri').ignore()
  const { id }: { id: number } = await tx('principal').where({ uri }).first('id')
  return { id, uri, name, type: 'domain' }
}

export async function namedById(tx: Knex.Transaction, ids: readonly number[]): Promise<Named[]> {
  const found: Named[] = []
  for (let from = 0; from < ids.length; from += BATCH) {
    found.push(
      ...((await tx('principal')
        .whereIn('id', ids.slice(from, from + BATCH))
        .orderBy('uri')
        .select('id', 'uri', 'display_name as name', 'type')) as Named[]),
    )
  }
  return found
}

/** The effect of a change on a list: who is added, who removed. Empty when nothing differs. */
export async function resolveListChange(
  tx: Knex.Transaction,
  change: ListChange,
  present: ReadonlySet<number>,
  now: number,
): Promise<{ added: Named[]; removed: Named[] }> {
  if ('set' in change) {
    const wanted = await findNamed(tx, change.set, now)
    const ids = new Set(wanted.map(({ id }) => id))
    return {
      added: wanted.filter(({ id }) => !present.has(id)),
      removed: await namedById(
        tx,
        [...present].filter((id) => !ids.has(id)),
      ),
    }
  }
  const added = (await findNamed(tx, change.add ?? [], now)).filter(({ id }) => !present.has(id))
  const addedIds = new Set(added.map(({ id }) => id))
  const named = await findNamed(tx, change.remove ?? [], now, { toBeAdded: false })
  const removed = named.filter(({ id }) => present.has(id) || addedIds.has(id))
  await refuseIndirect(
    tx,
    named.filter(({ id }) => !present.has(id) && !addedIds.has(id)),
    present,
  )
  const removedIds = new Set(removed.map(({ id }) => id))
  // A principal that is both added and removed is not on the list afterwards.
  return {
    added: added.filter(({ id }) => !removedIds.has(id)),
    removed: removed.filter(({ id }) => present.has(id)),
  }
}

/** A name as it was given, and whom it names, if anybody. */
export type WantedName = { readonly name: string; readonly named: Named | undefined }

/**
 * The same for callers who may not know who is in the pool. Nothing is refused for a name that nobody has: `wanted` has
 * every name to be added that is not on the list yet, so that the caller can be given one answer for those that nobody
 * has and those that may not be added. `absent` has the names to be removed that are not on the list: see
 * `refuseIndirect`.
 */
export async function findListChange(
  tx: Knex.Transaction,
  change: ListChange,
  present: ReadonlySet<number>,
): Promise<{ added: Named[]; removed: Named[]; wanted: WantedName[]; absent: WantedName[] }> {
  const toAdd = 'set' in change ? change.set : (change.add ?? [])
  const toRemove = 'set' in change ? [] : (change.remove ?? [])
  for (const { length } of [toAdd, toRemove]) requireLength(length)
  const found = await lookUp(tx, [...new Set(toAdd)])
  const going = await lookUp(tx, [...new Set(toRemove)])
  const removedIds = new Set([...going.values()].map(({ id }) => id))
  if ('set' in change) {
    const stays = new Set([...found.values()].map(({ id }) => id))
    for (const id of present) if (!stays.has(id)) removedIds.add(id)
  }
  const wanted = [...new Set(toAdd)]
    .map((name) => ({ name, named: found.get(name) }))
    .filter(({ named }) => named === undefined || !present.has(named.id))
  const added = wanted.flatMap(({ named }) => (named && !removedIds.has(named.id) ? [named] : []))
  return {
    added: [...new Map(added.map((one) => [one.id, one])).values()],
    removed: await namedById(
      tx,
      [...removedIds].filter((id) => present.has(id)),
    ),
    wanted,
    absent: [...new Set(toRemove)]
      .map((name) => ({ name, named: going.get(name) }))
      .filter(({ named }) => named === undefined || !present.has(named.id)),
  }
}

function requireLength(length: number): void {
  if (length <= LIST_MAX) return
  throw new ChangeRefused('limit-exceeded', `A list may have ${LIST_MAX} entries; this one has ${length}.`)
}

/**
 * A principal on a list only through a group or a domain would still be on it, so the removal must not look
 * successful.
 */
export async function refuseIndirect(
  tx: Knex.Transaction,
  absent: readonly Named[],
  present: ReadonlySet<number>,
): Promise<void> {
  if (absent.length === 0) return
  const identities = await identitiesOfMany(
    tx,
    absent.map(({ id }) => id),
  )
  for (const { id, uri } of absent) {
    const through = [...(identities.get(id) ?? [])].find((identity) => present.has(identity))
    if (through === undefined) continue
    const [entry] = await namedById(tx, [through])
    throw new ChangeRefused(
      'conflict',
      `${quoted(uri)} is in the list only through ${quoted(entry!.uri)}. Take that from the list, or ${quoted(uri)} from the group.`,
    )
  }
}

export const urisOf = (named: readonly Named[]): string[] => named.map(({ uri }) => uri)

export const BATCH = 400
