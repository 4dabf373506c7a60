import {
  adaptersOf,
  type ComplianceConfiguration,
  configurationsProblem,
  openXsltEngine,
  stylesheetProblem,
} from '@hansard/adapter'
import {
  type ConfigurationChange,
  type ConfigurationSettings,
  hasExports,
  listComplianceConfigurations as listOf,
  putComplianceConfiguration as putOf,
  removeComplianceConfiguration as removeOf,
} from '@hansard/staging'
import type { Call, Handle } from './call.ts'
import type { AdminApiDeps } from './deps.ts'
import { AdminProblem } from './problems.ts'
import { unwrap } from './unwrap.ts'

export const listComplianceConfigurations: Handle<'listComplianceConfigurations'> = async ({ complianceDb }) => {
  const { configurations } = await listOf(complianceDb)
  return { configurations: configurations.map(({ identity, settings }) => ({ identity, settings })) }
}

/** The whole configuration is checked by the worker's own rules; what the worker could not use is refused here. */
export const putComplianceConfiguration: Handle<'putComplianceConfiguration'> = async (deps, call) => {
  const identity = call.path['identity']!
  const { customConfiguration } = call.body
  const problem = customConfiguration === undefined ? undefined : await stylesheetProblemOf(customConfiguration)
  if (problem !== undefined) throw new AdminProblem('invalid', `customConfiguration: ${problem}`)
  await refuseLatePast(deps, identity, call.body)
  const { after, ended } = await changed(deps, call, () =>
    putOf(deps.complianceDb, { ...changing(deps, call), settings: () => call.body }),
  )
  return { identity, settings: after ?? {}, ended }
}

/** The past is for a series that has not begun: its exports are numbered and chained in the order of time. */
async function refuseLatePast(
  { complianceDb }: AdminApiDeps,
  identity: string,
  settings: ComplianceConfiguration['settings'],
): Promise<void> {
  const { exportFrom } = settings
  const before = (await listOf(complianceDb)).configurations.find((known) => known.identity === identity)?.settings
  if (exportFrom === undefined || exportFrom === before?.['exportFrom']) return
  const name = adaptersOf([{ identity, settings }])[0]!.name
  if (!(await hasExports(complianceDb, name))) return
  throw new AdminProblem(
    'invalid',
    `exportFrom: the series ${name} has exports, and the past can be given only to one without. Choose another adapterName.`,
  )
}

/**
 * The global configuration cannot be removed: it returns to its defaults and keeps its adapter's name, because its
 * exports are numbered under that name. Any other configuration is an adapter, whose series ends.
 */
export const removeComplianceConfiguration: Handle<'removeComplianceConfiguration'> = async (deps, call) => {
  const known = (await listOf(deps.complianceDb)).configurations.map(({ identity }) => identity)
  const identity = call.path['identity']!
  if (!known.includes(identity))
    throw new AdminProblem('not-found', `There is no compliance configuration ${JSON.stringify(identity)}.`)
  const settings = (before: ConfigurationSettings | undefined) => ({ adapterName: before?.['adapterName'] })
  const { ended } = await changed(deps, call, () =>
    identity === 'global'
      ? putOf(deps.complianceDb, { ...changing(deps, call), settings })
      : removeOf(deps.complianceDb, changing(deps, call)),
  )
  return { removed: identity, ended }
}

/** Makes a change, records it, and returns the series of exports that it ended. */
async function changed(deps: AdminApiDeps, call: Call, make: () => Promise<ConfigurationChange>) {
  const series = async () => {
    const { configurations } = await listOf(deps.complianceDb)
    return adaptersOf(configurations as readonly ComplianceConfiguration[]).map(({ name }) => name)
  }
  const before = await series()
  const change = settled(await make())
  const identity = call.path['identity']!
  await unwrap(
    deps.commands.tellComplianceConfiguration(call.actor, { identity, before: change.before, after: change.after }),
  )
  const after = await series()
  return { after: change.after, ended: before.filter((name) => !after.includes(name)) }
}

/** In a new thread each time, because stylesheets are rarely set. */
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
  { clock, complianceDirectories }: AdminApiDeps,
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
