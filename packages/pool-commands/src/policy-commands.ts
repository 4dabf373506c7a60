import { roomsOfBarred, roomsUnderPolicy } from '@hansard/pool-store'
import { isKeepable, policyNameProblem, quoted } from '@hansard/rooms'
import type { Knex } from '@hansard/sql'
import {
  type CommandActor,
  type Context,
  changeEvents,
  difference,
  type Properties,
  requireAdministrator,
} from './context.ts'
import { requireText } from './locked.ts'
import { findNamed } from './named-principals.ts'
import { ChangeRefused, type Result } from './result.ts'

/** Policies: who may use the pool. */
export function policyCommands(context: Context) {
  const { bus, poolRoomId } = context
  const told = (
    by: CommandActor,
    action: 'created' | 'changed' | 'deleted',
    identity: string,
    change: { before?: Properties; after?: Properties },
  ) => {
    const subject = { type: 'policy' as const, uri: `policy:${identity}`, name: identity }
    return changeEvents({ roomId: poolRoomId, by, action, subject, ...change })
  }
  // The users to whom the policy applies are not known here: every service evaluates all its users again.
  const announce = () => bus.publish({ t: 'configuration-changed' })

  return {
    async createPolicy(
      by: CommandActor,
      { identity, description = '', enabled }: { identity: string; description?: string | undefined; enabled: boolean },
    ): Promise<Result<{ identity: string }>> {
      const result = await context.makeBarring(by, async (by, tx) => {
        requireAdministrator(by)
        const problem = policyNameProblem(identity)
        if (problem) throw new ChangeRefused('invalid', `${quoted(identity)}: ${problem}`)
        requireText('A description', description, 256)
        if (await tx('policy').where({ identity }).first('id')) {
          throw new ChangeRefused('duplicate-name', `A policy ${quoted(identity)} already exists.`)
        }
        await tx('policy').insert({ identity, description, enabled })
        const events = told(by, 'created', identity, { after: { description, enabled } })
        const rights = await roomsUnderPolicy(tx, { id: undefined, identity })
        return { events, rights, result: { identity } }
      })
      if (result.ok) announce()
      return result
    },

    async changePolicy(
      by: CommandActor,
      {
        policy,
        description,
        enabled,
      }: { policy: string; description?: string | undefined; enabled?: boolean | undefined },
    ): Promise<Result<{ identity: string }>> {
      const result = await context.makeBarring(by, async (by, tx) => {
        requireAdministrator(by)
        requireText('A description', description, 256)
        const before = await lockPolicy(tx, policy)
        const change = difference(
          { description: before.description, enabled: before.enabled },
          { description, enabled },
        )
        if (change) await tx('policy').where({ id: before.id }).update(change.after)
        const events = change ? told(by, 'changed', policy, change) : []
        const bears = change?.after['enabled'] !== undefined
        const rights = bears ? await roomsUnderPolicy(tx, { id: before.id, identity: policy }) : []
        return { events, rights, result: { identity: policy } }
      })
      if (result.ok) announce()
      return result
    },

    async deletePolicy(by: CommandActor, { policy }: { policy: string }): Promise<Result<{ identity: string }>> {
      const result = await context.makeBarring(by, async (by, tx) => {
        requireAdministrator(by)
        const { id, description, enabled } = await lockPolicy(tx, policy)
        const holders: { uri: string; display_name: string }[] = await tx('principal')
          .where({ policy_id: id })
          .orderBy('id')
          .select('uri', 'display_name')
        const rights = await roomsUnderPolicy(tx, { id, identity: policy })
        await tx('principal').where({ policy_id: id }).update({ policy_id: null })
        await tx('policy').where({ id }).delete()
        const events = told(by, 'deleted', policy, { before: { description, enabled } })
        for (const { uri, display_name: name } of holders) {
          const subject = { type: 'user' as const, uri, name }
          const change = { before: { policy }, after: { policy: null } }
          events.push(...changeEvents({ roomId: poolRoomId, by, action: 'changed', subject, ...change }))
        }
        return { events, rights, result: { identity: policy } }
      })
      if (result.ok) announce()
      return result
    },

    /** Grants a policy to users, or with null revokes theirs, so that a wider one applies. */
    async grantPolicy(
      by: CommandActor,
      { users, policy }: { users: readonly string[]; policy: string | null },
    ): Promise<Result<{ ids: number[] }>> {
      const result = await context.makeBarring(by, async (by, tx, at) => {
        requireAdministrator(by)
        const id = policy === null ? null : (await lockPolicy(tx, policy)).id
        const named = await findNamed(tx, users, at)
        const other = named.find(({ type }) => type !== 'user')
        if (other)
          throw new ChangeRefused(
            'invalid',
            `${quoted(other.uri)} is not a user: policies can be granted only to users.`,
          )
        const events = []
        const granted: number[] = []
        for (const user of named) {
          const held: { identity: string } | undefined = await tx('policy')
            .join('principal', 'principal.policy_id', 'policy.id')
            .where('principal.id', user.id)
            .first('policy.identity')
          const change = difference({ policy: held?.identity ?? null }, { policy })
          if (!change) continue
          await tx('principal').where({ id: user.id }).update({ policy_id: id })
          granted.push(user.id)
          const subject = { type: 'user' as const, uri: user.uri, name: user.name }
          events.push(...changeEvents({ roomId: poolRoomId, by, action: 'changed', subject, ...change }))
        }
        const rights = await roomsOfBarred(tx, { principalIds: granted })
        return { events, rights, result: { ids: named.map((user) => user.id) } }
      })
      if (result.ok) bus.publish({ t: 'principal-changed', principals: result.value.ids })
      return result
    },
  }
}

async function lockPolicy(
  tx: Knex.Transaction,
  identity: string,
): Promise<{ id: number; description: string; enabled: boolean }> {
  if (!isKeepable(identity)) throw new ChangeRefused('no-such-policy', `There is no policy ${quoted(identity)}.`)
  const row: { id: number; description: string; enabled: unknown } | undefined = await tx('policy')
    .where({ identity })
    .forUpdate()
    .first()
  if (!row) throw new ChangeRefused('no-such-policy', `There is no policy ${quoted(identity)}.`)
  return { ...row, enabled: Boolean(row.enabled) }
}
