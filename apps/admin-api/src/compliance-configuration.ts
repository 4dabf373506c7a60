import {
  adaptersOf,
  type ComplianceConfiguration,
  configurationsProblem,
  openXsltEngine,
  stylesheetProblem,
} from '@hansard/adapter'
import {
  approvalMode,
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
  const { configurations, approval } = await listOf(complianceDb)
  return { configurations: configurations.map(({ identity, settings }) => ({ identity, settings })), approval }
}

/** The whole configuration is checked by the worker's own rules; what the worker could not use is refused here. */
export const putComplianceConfiguration: Handle<'putComplianceConfiguration'> = async (deps, call) => {
  await requireOnePerson(deps)
  const identity = call.path['identity']!
  await requireStylesheet(call.body.customConfiguration)
  await refuseLatePast(deps, identity, call.body)
  const { after, ended } = await changed(deps, call, () =>
    putOf(deps.complianceDb, { ...changing(deps, call), settings: () => call.body }),
  )
  return { identity, settings: after ?? {}, ended }
}

/** The past is for a series that has not begun: its exports are numbered and chained in the order of time. */
export async function refuseLatePast(
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
  await requireOnePerson(deps)
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

async function requireOnePerson({ complianceDb }: AdminApiDeps): Promise<void> {
  if ((await approvalMode(complianceDb)) === 'one-person') return
  const message = 'A change to what is exported takes two people.'
  throw new AdminProblem(
    'conflict',
    message,
    'Propose it (POST /admin/compliance-changes); another person approves it.',
  )
}

/** The global settings after it was removed: the defaults, and the name that its exports are numbered under. */
export async function globalDefaults(complianceDb: AdminApiDeps['complianceDb']) {
  const { configurations } = await listOf(complianceDb)
  const before = configurations.find(({ identity }) => identity === 'global')?.settings
  return { adapterName: before?.['adapterName'] }
}

/** Makes a change, records it, and returns the series of exports that it ended. */
async function changed(deps: AdminApiDeps, call: Call, make: () => Promise<ConfigurationChange>) {
  const { done, ended } = await withSeriesEnded(deps, async () => {
    const change = settled(await make())
    const told = { identity: call.path['identity']!, before: change.before, after: change.after }
    await unwrap(deps.commands.tellComplianceConfiguration(call.actor, told))
    return change
  })
  return { after: done.after, ended }
}

/** Also returns the series of exports that the work ended. */
export async function withSeriesEnded<T>({ complianceDb }: AdminApiDeps, work: () => Promise<T>) {
  const series = async () => {
    const { configurations } = await listOf(complianceDb)
    return adaptersOf(configurations as readonly ComplianceConfiguration[]).map(({ name }) => name)
  }
  const before = await series()
  const done = await work()
  const after = await series()
  return { done, ended: before.filter((name) => !after.includes(name)) }
}

/** Compiles it in a new thread each time, because stylesheets are rarely set. */
export async function requireStylesheet(stylesheet: string | undefined): Promise<void> {
  if (stylesheet === undefined) return
  const engine = await openXsltEngine({ timeoutMs: COMPILE_WITHIN_MS })
  try {
    const problem = await stylesheetProblem(engine, stylesheet)
    if (problem !== undefined) throw new AdminProblem('invalid', `customConfiguration: ${problem}`)
  } finally {
    await engine.close()
  }
}

const COMPILE_WITHIN_MS = 10_000

export function checkOf({ complianceDirectories }: AdminApiDeps): Parameters<typeof removeOf>[1]['check'] {
  return (all) => configurationsProblem(all as readonly ComplianceConfiguration[], complianceDirectories)
}

function changing(deps: AdminApiDeps, { actor, path }: Pick<Call, 'actor' | 'path'>): Parameters<typeof removeOf>[1] {
  return { identity: path['identity']!, actor: actor.account, now: deps.clock.now(), check: checkOf(deps) }
}

function settled(change: ConfigurationChange): Extract<ConfigurationChange, { outcome: 'done' }> {
  if (change.outcome === 'refused') throw new AdminProblem('invalid', change.problem)
  return change
}
