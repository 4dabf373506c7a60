import { type Database, gathered, type Knex, keyedRead } from '@hansard/sql'

/** Where a policy is evaluated: a pool and, if it has one, the site of the asking service. */
export type PolicyPlace = { readonly pool: string; readonly site?: string | undefined }

/**
 * Whether the user's effective policy lets it take part in the pool: its own policy, else the pool's, else the
 * site's, else the global one. Without any policy, everybody may.
 */
export async function policyEnables(
  db: Database | Knex.Transaction,
  { principalId, ...place }: PolicyPlace & { principalId: number },
): Promise<boolean> {
  if (!('dialect' in db)) {
    return (await ownPolicies(db, [principalId])).get(principalId) ?? policyOfPlace(db, place)
  }
  const identities = nearestFirst(place)
  const [own, ...said] = await Promise.all([
    ownShared(db, principalId),
    ...identities.map((identity) => saidShared(db, identity)),
  ])
  return own ?? said.find((enabled) => enabled !== undefined) ?? true
}

const ownShared = gathered<number, boolean>(ownPolicies)
const saidShared = gathered<string, boolean>(async (db, identities) =>
  saidOf(await readPoliciesOfPlace(db, identities)),
)

/** The policy decisions of users with a policy of their own. */
async function ownPolicies(db: Database | Knex.Transaction, ids: readonly number[]): Promise<Map<number, boolean>> {
  const rows = await readOwnPolicies(db, ids)
  return new Map(rows.map(({ id, enabled }) => [id, Boolean(enabled)]))
}

const readOwnPolicies = keyedRead<number, { id: number; enabled: boolean | number }>({
  name: 'own-policies',
  keys: 'int',
  text: `select principal.id, policy.enabled from policy join principal on principal.policy_id = policy.id
         where principal.id in (:keys)`,
})
const readPoliciesOfPlace = keyedRead<string, SaidOfPlace>({
  name: 'policies-of-place',
  keys: 'text',
  text: 'select identity, enabled from policy where identity in (:keys)',
})

/** The decision for users without a policy of their own. */
export async function policyOfPlace(db: Database | Knex.Transaction, { pool, site }: PolicyPlace): Promise<boolean> {
  const identities = nearestFirst({ pool, site })
  return enabledByPlace(identities, await readPoliciesOfPlace(db, identities))
}

/** Identities of the policies that apply to users without their own, in order of precedence. */
export function nearestFirst({ pool, site }: PolicyPlace): string[] {
  return [`pool:${pool}`, ...(site === undefined ? [] : [`site:${site}`]), 'global']
}

export type SaidOfPlace = { readonly identity: string; readonly enabled: boolean | number }

export function enabledByPlace(identities: readonly string[], rows: readonly SaidOfPlace[]): boolean {
  const said = saidOf(rows)
  const nearest = identities.find((identity) => said.has(identity))
  return nearest === undefined || said.get(nearest)!
}

const saidOf = (rows: readonly SaidOfPlace[]) =>
  new Map(rows.map(({ identity, enabled }) => [identity, Boolean(enabled)]))
