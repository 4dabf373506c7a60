import type { ActiveServersReply } from '@hansard/admin-contract'
import { channelServices, readActiveServers, readPoolState } from '@hansard/pool-store'
import type { Call, Handle } from './call.ts'
import type { AdminApiDeps } from './deps.ts'
import { AdminProblem } from './problems.ts'
import { unwrap } from './unwrap.ts'

export const poolState: Handle<'poolState'> = async ({ poolDb, pool }) => ({
  pool,
  state: await readPoolState(poolDb),
})

export const setPoolState: Handle<'setPoolState'> = async ({ commands, pool }, { actor, body }) => {
  const { state } = await unwrap(commands.setPoolState(actor, { pool, state: body.state }))
  return { pool, state }
}

export const activeServers: Handle<'activeServers'> = (deps) => shown(deps)

export const setActiveServers: Handle<'setActiveServers'> = async (deps, { actor, body: { servers } }) => {
  const known = await channelServices(deps.poolDb)
  const named = 'set' in servers ? servers.set : [...(servers.add ?? []), ...(servers.remove ?? [])]
  const unknown = named.find((name) => !known.includes(name))
  // A mistyped server could become the only active one, and nobody could sign in.
  if (unknown !== undefined && !(await isNamed(deps, unknown, servers)))
    throw new AdminProblem(
      'not-found',
      `There is no server ${JSON.stringify(unknown)}.`,
      known.length === 0 ? 'No channel service has ever started here.' : `There are ${known.join(', ')}.`,
    )
  return change(deps, actor, known, (active) => {
    if ('set' in servers) return servers.set
    const { add = [], remove = [] } = servers
    return some(
      [...active, ...add].filter((name) => !remove.includes(name)),
      known,
    )
  })
}

export const swapActiveServers: Handle<'swapActiveServers'> = async (deps, { actor }) => {
  const known = await channelServices(deps.poolDb)
  return change(deps, actor, known, (active) =>
    some(
      known.filter((name) => !active.includes(name)),
      known,
    ),
  )
}

/** `to` gets the names of the active servers; if none is named, those of all servers. */
async function change(
  deps: AdminApiDeps,
  actor: Call['actor'],
  known: readonly string[],
  to: (active: readonly string[]) => readonly string[],
): Promise<ActiveServersReply> {
  const named = (stored: readonly string[]) => (stored.length === 0 ? known : stored)
  await unwrap(deps.commands.setActiveServers(actor, { pool: deps.pool, change: (stored) => to(named(stored)) }))
  return shown(deps)
}

/**
 * An empty list means all servers, so removing the last one would do the opposite of the request. If only servers
 * that have never started were left, nobody could sign in.
 */
function some(names: readonly string[], known: readonly string[]): readonly string[] {
  if (!names.some((name) => known.includes(name))) throw new AdminProblem('conflict', 'Then no server would be active.')
  return names
}

/** A name in the active list that is not a server's may always be removed. */
async function isNamed(
  { poolDb }: AdminApiDeps,
  name: string,
  servers: Call<'setActiveServers'>['body']['servers'],
): Promise<boolean> {
  return (
    'remove' in servers && (servers.remove ?? []).includes(name) && (await readActiveServers(poolDb)).includes(name)
  )
}

async function shown({ poolDb }: AdminApiDeps): Promise<ActiveServersReply> {
  const known = await channelServices(poolDb)
  const stored = await readActiveServers(poolDb)
  const active = stored.length === 0 ? known : [...stored]
  return { active, inactive: known.filter((name) => !active.includes(name)) }
}
