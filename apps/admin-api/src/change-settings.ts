import { findPolicy } from '@hansard/pool-store'
import type { Handle } from './call.ts'
import { unwrap } from './unwrap.ts'

export const addAddIn: Handle<'addAddIn'> = ({ commands }, { actor, body }) => unwrap(commands.createAddIn(actor, body))

export const changeAddIn: Handle<'changeAddIn'> = ({ commands }, { actor, path, body }) =>
  unwrap(commands.changeAddIn(actor, { addIn: path['addIn']!, ...body }))

export const removeAddIn: Handle<'removeAddIn'> = async ({ commands }, { actor, path }) => {
  const { name } = await unwrap(commands.deleteAddIn(actor, { addIn: path['addIn']! }))
  return { removed: name }
}

export const addPolicy: Handle<'addPolicy'> = async ({ commands, poolDb }, { actor, body }) => {
  const { identity } = await unwrap(commands.createPolicy(actor, body))
  return (await findPolicy(poolDb, identity))!
}

/** The global policy can always be set, even if it does not exist yet. */
export const changePolicy: Handle<'changePolicy'> = async ({ commands, poolDb }, { actor, path, body }) => {
  const policy = path['policy']!
  const isNew = policy === 'global' && !(await findPolicy(poolDb, policy))
  const { description, enabled = true } = body
  await unwrap(
    isNew
      ? commands.createPolicy(actor, { identity: policy, description, enabled })
      : commands.changePolicy(actor, { policy, ...body }),
  )
  return (await findPolicy(poolDb, policy))!
}

export const removePolicy: Handle<'removePolicy'> = async ({ commands }, { actor, path }) => {
  const { identity } = await unwrap(commands.deletePolicy(actor, { policy: path['policy']! }))
  return { removed: identity }
}

export const grantPolicy: Handle<'grantPolicy'> = async ({ commands }, { actor, body }) => {
  await unwrap(commands.grantPolicy(actor, body))
  return { done: true }
}

export const addEndpoint: Handle<'addEndpoint'> = ({ commands }, { actor, body }) =>
  unwrap(commands.createEndpoint(actor, body))

export const removeEndpoint: Handle<'removeEndpoint'> = async ({ commands }, { actor, path }) => {
  const { uri } = await unwrap(commands.deleteEndpoint(actor, { endpoint: path['endpoint']! }))
  return { removed: uri }
}

export const addConfiguration: Handle<'addConfiguration'> = ({ commands }, { actor, path, body }) =>
  unwrap(commands.changeConfiguration(actor, { identity: path['identity']!, settings: body, mustBeNew: true }))

export const changeConfiguration: Handle<'changeConfiguration'> = ({ commands }, { actor, path, body }) =>
  unwrap(commands.changeConfiguration(actor, { identity: path['identity']!, settings: body }))

export const removeConfiguration: Handle<'removeConfiguration'> = async ({ commands }, { actor, path }) => {
  const { identity } = await unwrap(commands.deleteConfiguration(actor, { identity: path['identity']! }))
  return { removed: identity }
}
