import {
  type ComplianceConfiguration,
  configurationsProblem,
  openXsltEngine,
  stylesheetProblem,
} from '@hansard/adapter'
import {
  type ConfigurationChange,
  listComplianceConfigurations as listOf,
  putComplianceConfiguration as putOf,
  removeComplianceConfiguration as removeOf,
} from '@hansard/staging'
import type { Call, Handle } from './call.ts'
import type { AdminApiParts } from './parts.ts'
import { AdminProblem } from './problems.ts'
import { settle } from './settle.ts'

export const listComplianceConfigurations: Handle<'listComplianceConfigurations'> = async ({ complianceDb }) => {
  const { configurations } = await listOf(complianceDb)
  return { configurations: configurations.map(({ identity, settings }) => ({ identity, settings })) }
}

/** The configuration as a whole is checked by the rules the worker goes by; what it could not use is refused here. */
export const putComplianceConfiguration: Handle<'putComplianceConfiguration'> = async (parts, call) => {
  const identity = call.path['identity']!
  const { customConfiguration } = call.body
  const problem = customConfiguration === undefined ? undefined : await stylesheetProblemOf(customConfiguration)
  if (problem !== undefined) throw new AdminProblem('invalid', `customConfiguration: ${problem}`)
  const change = await putOf(parts.complianceDb, { ...changing(parts, call), settings: () => call.body })
  const { before, after } = settled(change)
  await settle(parts.commands.tellComplianceConfiguration(call.actor, { identity, before, after }))
  return { identity, settings: after ?? {} }
}

export const removeComplianceConfiguration: Handle<'removeComplianceConfiguration'> = async (parts, call) => {
  const known = (await listOf(parts.complianceDb)).configurations.map(({ identity }) => identity)
  const identity = call.path['identity']!
  if (!known.includes(identity))
    throw new AdminProblem('not-found', `There is no compliance configuration ${JSON.stringify(identity)}.`)
  const { before, after } = settled(await removeOf(parts.complianceDb, changing(parts, call)))
  await settle(parts.commands.tellComplianceConfiguration(call.actor, { identity, before, after }))
  return { removed: identity }
}

/** In a thread of its own, which is not kept: stylesheets are set a few times in the life of a pool. */
async function stylesheetProblemOf(stylesheet: string): Promise<string | undefined> {
  const engine = await openXsltEngine({ timeoutMs: COMPILE_WITHIN_MS })
  try {
    return await stylesheetProblem(engine, stylesheet)
  } finally {
    await engine.close()
  }
}

const COMPILE_WITHIN_MS = 10_000

function changing(
  { clock, complianceDirectories }: AdminApiParts,
  { actor, path }: Pick<Call, 'actor' | 'path'>,
): Parameters<typeof removeOf>[1] {
  return {
    identity: path['identity']!,
    actor: actor.account,
    now: clock.now(),
    check: (all) => configurationsProblem(all as readonly ComplianceConfiguration[], complianceDirectories),
  }
}

function settled(change: ConfigurationChange): Extract<ConfigurationChange, { outcome: 'done' }> {
  if (change.outcome === 'refused') throw new AdminProblem('invalid', change.problem)
  return change
}
