import {
  createPrincipals,
  endAllSessions,
  findPrincipal,
  type NewPrincipal,
  putSecret,
  roomsOfBarred,
} from '@hansard/pool-store'
import {
  accountNameProblem,
  domainProblem,
  isKeepable,
  POOL_ROLES,
  type PoolRole,
  principalUri,
  quoted,
} from '@hansard/rooms'
import type { Knex } from '@hansard/sql'
import { type CommandActor, type Context, changeEvents, difference, requireAdministrator } from './context.ts'
import { requireText } from './locked.ts'
import { ChangeRefused, type Result } from './result.ts'

/** An account to add. `secret` is what `credentials` made of a password or key; no event contains it. */
type NewUser = Omit<NewPrincipal, 'now'>

type RolesGivenAndTaken = {
  readonly add?: readonly PoolRole[] | undefined
  readonly remove?: readonly PoolRole[] | undefined
}
type UserChanges = {
  readonly displayName?: string | undefined
  readonly email?: string | null | undefined
  readonly internal?: boolean | undefined
  readonly disabled?: boolean | undefined
  /** all roles that the account will have, or the roles it gains and loses relative to its current ones */
  readonly roles?: readonly PoolRole[] | RolesGivenAndTaken | undefined
  /** identity of a policy, or null for none of its own */
  readonly policy?: string | null | undefined
}

/** Changes to accounts. Administrators make them; the pool itself creates the first account. */
export function userCommands(context: Context) {
  const { bus, poolRoomId } = context

  return {
    /** Adds the accounts that do not exist yet; returns those. */
    addUsers: (
      by: CommandActor,
      asked: { users: readonly NewUser[] },
    ): Promise<Result<{ created: ReadonlySet<string> }>> =>
      context.make(by, async (by, tx, at) => {
        if (by.id !== 0) requireAdministrator(by)
        // A wall around a domain applies to it in any spelling.
        const users = asked.users.map((user) => ({ ...user, domain: user.domain.toLowerCase() }))
        for (const { account, domain, displayName, email } of users) {
          const problem = accountNameProblem(account)
          if (problem) throw new ChangeRefused('invalid', `${quoted(account)}: ${problem}`)
          requireText('A display name', displayName, 256)
          requireText('An address', email, 320)
          const wrong = domainProblem(domain)
          if (wrong) throw new ChangeRefused('invalid', wrong)
        }
        // Of an account that is named twice, the first entry counts.
        const wanted = [...new Map([...users].reverse().map((user) => [user.account, user])).values()].reverse()
        const created = await createPrincipals(
          tx,
          wanted.map((user) => ({ ...user, now: at })),
        )
        const events = wanted
          .filter(({ account }) => created.has(account))
          .flatMap(({ account, domain, displayName, email, internal = true, roles = [] }) => {
            const uri = principalUri(account, domain)
            const after = { displayName, email: email ?? null, internal, domain, disabled: false, roles: [...roles] }
            const subject = { type: 'user' as const, uri, name: displayName }
            return changeEvents({ roomId: poolRoomId, by, action: 'created', subject, after })
          })
        return { events, rights: [], result: { created } }
      }),

    /** Changes an account. Its rights change with the commit; a disabled user is signed out. */
    async changeUser(
      by: CommandActor,
      { user, ...changes }: { user: string } & UserChanges,
    ): Promise<Result<{ id: number; uri: string }>> {
      const result = await context.makeBarring(by, async (by, tx) => {
        requireAdministrator(by)
        const before = await findUser(tx, user)
        requireText('A display name', changes.displayName, 256)
        requireText('An address', changes.email ?? undefined, 320)
        const policyId = await findPolicy(tx, changes.policy)
        const policyBefore: { identity: string } | undefined = await tx('policy')
          .join('principal', 'principal.policy_id', 'policy.id')
          .where('principal.id', before.id)
          .first('policy.identity')
        const { displayName, email, internal, disabled, policy } = changes
        const told = difference(
          {
            displayName: before.name,
            email: before.email ?? null,
            internal: before.internal,
            disabled: before.disabled,
            policy: policyBefore?.identity ?? null,
          },
          { displayName, email, internal, disabled, policy },
        )
        const columns = { display_name: displayName, email, internal, disabled, policy_id: policyId }
        const given = Object.entries(columns).filter(([, value]) => value !== undefined)
        // Tokens of a disabled account stay void after it is enabled again.
        const voids = disabled === true && !before.disabled
        if (given.length > 0 || voids) {
          await tx('principal')
            .where({ id: before.id })
            .update({
              ...Object.fromEntries(given),
              ...(voids ? { credential_version: tx.raw('credential_version + 1') } : {}),
            })
        }
        const roles = await changePoolRoles(tx, before, rolesAfter(before.roles, changes.roles))
        const steppedDown = roles.before.includes('administrator') || (voids && before.roles.includes('administrator'))
        if (steppedDown) await requireAnAdministrator(tx)
        if (!told && roles.before.length + roles.after.length === 0) {
          return { events: [], rights: [], result: { id: before.id, uri: before.uri } }
        }
        const events = changeEvents({
          roomId: poolRoomId,
          by,
          action: 'changed',
          subject: { type: 'user', uri: before.uri, name: displayName ?? before.name },
          before: { ...told?.before, ...(roles.before.length > 0 ? { roles: roles.before } : {}) },
          after: { ...told?.after, ...(roles.after.length > 0 ? { roles: roles.after } : {}) },
        })
        const bears = disabled !== undefined || policy !== undefined || changes.roles !== undefined
        const rights = bears ? await roomsOfBarred(tx, { principalIds: [before.id] }) : []
        return { events, rights, result: { id: before.id, uri: before.uri } }
      })
      if (result.ok) bus.publish({ t: 'principal-changed', principals: [result.value.id] })
      return result
    },

    /** Replaces the secret. Everybody signed in with the old one is signed out, since it may have leaked. */
    async setSecret(
      by: CommandActor,
      { user, secret }: { user: string; secret: string },
    ): Promise<Result<{ id: number; uri: string }>> {
      const result = await context.make(by, async (by, tx) => {
        if (by.id !== 0) requireAdministrator(by)
        const { id, account, uri, name } = await findUser(tx, user)
        await putSecret(tx, { account, secret })
        const subject = { type: 'user' as const, uri, name }
        const after = { secret: 'replaced' }
        const events = changeEvents({ roomId: poolRoomId, by, action: 'changed', subject, after })
        return { events, rights: [], result: { id, uri } }
      })
      if (result.ok) bus.publish({ t: 'principal-changed', principals: [result.value.id] })
      return result
    },

    /**
     * Replaces the caller's own password. The caller's old password has been checked. Returns the version that new
     * tokens carry.
     */
    async changeOwnSecret(
      by: CommandActor,
      { secret }: { secret: string },
    ): Promise<Result<{ id: number; credentialVersion: number }>> {
      const result = await context.make(by, async (by, tx) => {
        const { id, account, uri, name, credentialVersion } = await findUser(tx, by.uri)
        await putSecret(tx, { account, secret })
        const subject = { type: 'user' as const, uri, name }
        const after = { secret: 'replaced' }
        const events = changeEvents({ roomId: poolRoomId, by, action: 'changed', subject, after })
        return { events, rights: [], result: { id, credentialVersion: credentialVersion + 1 } }
      })
      if (result.ok) bus.publish({ t: 'principal-changed', principals: [result.value.id] })
      return result
    },

    /** Ends all sessions of an account: of any account for an administrator, of their own for others. */
    async signOutEverywhere(
      by: CommandActor,
      { user }: { user: string },
    ): Promise<Result<{ id: number; uri: string; account: string }>> {
      const result = await context.make(by, async (by, tx) => {
        if (user !== by.uri) requireAdministrator(by)
        const { id, uri, name, account } = await findUser(tx, user)
        await endAllSessions(tx, id)
        const subject = { type: 'user' as const, uri, name }
        const after = { sessions: 'ended' }
        const events = changeEvents({ roomId: poolRoomId, by, action: 'changed', subject, after })
        const signedOut = { roomId: poolRoomId, principal: by, detail: { kind: 'sign-out' as const, account } }
        return { events: [...events, signedOut], rights: [], result: { id, uri, account } }
      })
      if (result.ok) bus.publish({ t: 'principal-changed', principals: [result.value.id] })
      return result
    },
  }
}

async function findUser(tx: Knex.Transaction, user: string) {
  const found = isKeepable(user)
    ? ((await findPrincipal(tx, { uri: user })) ?? (await findPrincipal(tx, { account: user })))
    : undefined
  if (!found) throw new ChangeRefused('no-such-principal', `There is no account ${quoted(user)}.`)
  return found
}

async function findPolicy(
  tx: Knex.Transaction,
  identity: string | null | undefined,
): Promise<number | null | undefined> {
  if (identity === null || identity === undefined) return identity
  const row: { id: number } | undefined = isKeepable(identity)
    ? await tx('policy').where({ identity }).first('id')
    : undefined
  if (!row) throw new ChangeRefused('no-such-policy', `There is no policy ${quoted(identity)}.`)
  return row.id
}

async function changePoolRoles(
  tx: Knex.Transaction,
  { id, roles: held }: { id: number; roles: readonly PoolRole[] },
  wanted: readonly PoolRole[] | undefined,
): Promise<{ before: PoolRole[]; after: PoolRole[] }> {
  if (wanted === undefined) return { before: [], after: [] }
  const before = held.filter((role) => !wanted.includes(role))
  const after = POOL_ROLES.filter((role) => wanted.includes(role) && !held.includes(role))
  if (before.length > 0) await tx('pool_role').where({ principal_id: id }).whereIn('role', before).delete()
  if (after.length > 0) await tx('pool_role').insert(after.map((role) => ({ principal_id: id, role })))
  return { before, after }
}

/** The pool keeps at least one administrator: not even the last one may disable or demote themselves. */
async function requireAnAdministrator(tx: Knex.Transaction): Promise<void> {
  const left: unknown = await tx('pool_role')
    .join('principal', 'principal.id', 'pool_role.principal_id')
    .where({ 'pool_role.role': 'administrator', 'principal.disabled': false })
    .first('principal.id')
  if (!left)
    throw new ChangeRefused(
      'conflict',
      'The pool must keep at least one administrator. Name another administrator first.',
    )
}

function rolesAfter(
  held: readonly PoolRole[],
  change: readonly PoolRole[] | RolesGivenAndTaken | undefined,
): readonly PoolRole[] | undefined {
  if (change === undefined || 'length' in change) return change
  const { add = [], remove = [] } = change
  return POOL_ROLES.filter((role) => (held.includes(role) || add.includes(role)) && !remove.includes(role))
}
