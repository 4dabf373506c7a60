import {
  listAddIns as addInsOf,
  findPolicy,
  listEndpoints as listEndpointsOfPool,
  listPolicies as listPoliciesOfPool,
  listPoolConfigurations,
  poolConfiguration,
  sourceStates,
} from '@hansard/pool-store'
import type { Handle } from './call.ts'
import { requireManager } from './managed-rooms.ts'
import { noSuch, pageOf } from './name-things.ts'
import { AdminProblem } from './problems.ts'

/** Also for managers and creators of rooms, who choose add-ins for them. */
export const listAddIns: Handle<'listAddIns'> = async (deps, call) => {
  if (!call.byRole) await requireManager(deps, call)
  const { poolDb } = deps
  const { after = '', limit } = call.query
  const all = await addInsOf(poolDb)
  const [page, next] = pageOf(all.filter(({ name }) => name > after).slice(0, limit + 1), limit, ({ name }) => name)
  return { addIns: page.map(({ name, url }) => ({ name, url })), next }
}

export const showAddIn: Handle<'showAddIn'> = async ({ poolDb }, { path }) => {
  const found = (await addInsOf(poolDb)).find(({ name }) => name === path['addIn'])
  if (!found) throw noSuch('no-such-add-in', 'add-in', path['addIn']!)
  return { name: found.name, url: found.url }
}

export const listPolicies: Handle<'listPolicies'> = async ({ poolDb }, { query: { after, limit } }) => {
  const found = await listPoliciesOfPool(poolDb, { after, limit: limit + 1 })
  const [page, next] = pageOf(found, limit, ({ identity }) => identity)
  return { policies: page, next }
}

export const showPolicy: Handle<'showPolicy'> = async ({ poolDb }, { path }) => {
  const identity = path['policy']!
  const found = await findPolicy(poolDb, identity)
  if (!found) throw noSuch('no-such-policy', 'policy', identity)
  return found
}

export const listEndpoints: Handle<'listEndpoints'> = async ({ poolDb }, { query: { after, limit } }) => {
  const found = await listEndpointsOfPool(poolDb, { after, limit: limit + 1 })
  const [page, next] = pageOf(found, limit, ({ uri }) => uri)
  return { endpoints: page, next }
}

export const listConfigurations: Handle<'listConfigurations'> = async ({ poolDb }) => ({
  configurations: await listPoolConfigurations(poolDb),
})

export const showConfiguration: Handle<'showConfiguration'> = async ({ poolDb }, { path }) => {
  const identity = path['identity']!
  const found = (await listPoolConfigurations(poolDb)).find((configuration) => configuration.identity === identity)
  // The global configuration always exists, if only with its defaults.
  if (!found && identity === 'global') return { identity, settings: {} }
  if (!found) throw new AdminProblem('not-found', `There is no configuration ${JSON.stringify(identity)}.`)
  return found
}

/** A mistyped name would be answered with settings that apply to nobody, so warn when nothing has that name. */
export const effectiveConfiguration: Handle<'effectiveConfiguration'> = async ({ poolDb }, { query }) => {
  const { service } = query
  const configured = (await listPoolConfigurations(poolDb)).some(({ identity }) => identity === `service:${service}`)
  const known = service === undefined || configured || (await sourceStates(poolDb, service)).length > 0
  const remarks = known
    ? []
    : [
        `No service ${JSON.stringify(service)} has ever started here, and it has no configuration: these settings would apply.`,
      ]
  return { settings: await poolConfiguration(poolDb.knex, query), remarks }
}
