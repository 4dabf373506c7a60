import type { ActiveServersReply } from '@hansard/admin-contract'
import { channelServices, readActiveServers, readPoolState } from '@hansard/pool-store'
import type { Call, Handle } from './call.ts'
import type { AdminApiParts } from './parts.ts'
import { AdminProblem } from './problems.ts'
import { settle } from './settle.ts'

export const poolState: Handle<'poolState'> = async ({ poolDb, pool }) => ({
  pool,
  state: await readPoolState(poolDb),
})

export const setPoolState: Handle<'setPoolState'> = async ({ commands, pool }, { actor, body }) => {
  const { state } = await settle(commands.setPoolState(actor, { pool, state: body.state }))
  return { pool, state }
}

export const activeServers: Handle<'activeServers'> = (parts) => shown(parts)

export const setActiveServers: Handle<'setActiveServers'> = (parts, { actor, body: { servers } }) =>
  change(parts, actor, (active) => {
    if ('set' in servers) return servers.set
    const { add = [], remove = [] } = servers
    return some([...active, ...add].filter((name) => !remove.includes(name)))
  })

export const swapActiveServers: Handle<'swapActiveServers'> = async (parts, { actor }) => {
  const known = await channelServices(parts.poolDb)
  return change(parts, actor, (active) => some(known.filter((name) => !active.includes(name))))
}

/** `to` is given the servers that are active, by name: where none is named, that is every one there is. */
async function change(
  parts: AdminApiParts,
  actor: Call['actor'],
  to: (active: readonly string[]) => readonly string[],
): Promise<ActiveServersReply> {
  const known = await channelServices(parts.poolDb)
  const named = (stored: readonly string[]) => (stored.length === 0 ? known : stored)
  await settle(parts.commands.setActiveServers(actor, { pool: parts.pool, change: (stored) => to(named(stored)) }))
  return shown(parts)
}

/** No server named means all of them, so taking the last away would do the opposite of what was asked. */
function some(names: readonly string[]): readonly string[] {
  if (names.length === 0) throw new AdminProblem('conflict', 'Then no server would be active.')
  return names
}

async function shown({ poolDb }: AdminApiParts): Promise<ActiveServersReply> {
  const known = await channelServices(poolDb)
  const stored = await readActiveServers(poolDb)
  const active = stored.length === 0 ? known : [...stored]
  return { active, inactive: known.filter((name) => !active.includes(name)) }
}
