import { hash } from 'node:crypto'
import type { ComplianceChange } from '@hansard/admin-contract'
import { findPrincipal, type Principal } from '@hansard/pool-store'
import {
  approvalMode,
  approveComplianceChange as approveOf,
  closeComplianceChange as closeOf,
  findComplianceChange,
  listComplianceChanges as listOf,
  type ProposedChange,
  proposeComplianceChange as proposeOf,
} from '@hansard/staging'
import type { Call, Handle } from './call.ts'
import {
  checkOf,
  globalDefaults,
  refuseLatePast,
  requireStylesheet,
  withSeriesEnded,
} from './compliance-configuration.ts'
import type { AdminApiDeps } from './deps.ts'
import { AdminProblem } from './problems.ts'
import { unwrap } from './unwrap.ts'

/**
 * Changes to what is exported take two people, one of them an officer. Where one person may (the server was started
 * so), an officer's own proposal applies at once.
 */
export const proposeComplianceChange: Handle<'proposeComplianceChange'> = async (deps, call) => {
  const { actor, body } = call
  await requireStylesheet(body.settings?.customConfiguration)
  if (body.settings) await refuseLatePast(deps, body.identity, body.settings)
  const proposed = settled(
    await proposeOf(deps.complianceDb, {
      identity: body.identity,
      settings: await settingsToBe(deps, body),
      reason: body.reason ?? null,
      by: { id: actor.id, account: actor.account },
      now: deps.clock.now(),
      check: checkOf(deps),
    }),
  ).change
  const alone = (await approvalMode(deps.complianceDb)) === 'one-person' && isOfficer(actor)
  if (!alone) return { change: shown(proposed), ended: [] }
  return approved(deps, actor, proposed)
}

/** The global configuration cannot be removed: it returns to its defaults and keeps its name. */
async function settingsToBe(
  { complianceDb }: AdminApiDeps,
  { identity, settings }: Call<'proposeComplianceChange'>['body'],
) {
  if (settings !== null || identity !== 'global') return settings
  return globalDefaults(complianceDb)
}

export const approveComplianceChange: Handle<'approveComplianceChange'> = async (deps, { actor, path, body }) =>
  approved(deps, actor, { id: numberOf(path), sha256: body.sha256 })

async function approved(deps: AdminApiDeps, by: Principal, { id, sha256 }: { id: number; sha256: string }) {
  const alone = (await approvalMode(deps.complianceDb)) === 'one-person'
  const proposerId = (await findComplianceChange(deps.complianceDb, id))?.proposedById
  const proposer = proposerId === undefined ? undefined : await findPrincipal(deps.poolDb, { id: proposerId })
  const byOne = alone && proposerId === by.id
  const { done, ended } = await withSeriesEnded(deps, async () => {
    const done = settled(
      await approveOf(deps.complianceDb, {
        ...{ id, sha256, account: by.account, now: deps.clock.now(), check: checkOf(deps) },
        approval: byOne ? 'one-person' : 'two-people',
        mayApprove: (change) => approvalProblem(change, { by, proposer, alone }),
      }),
    )
    const { identity, proposedBy } = done.change
    const told = { identity, before: done.before, after: done.after, ...(byOne ? {} : { proposedBy }) }
    await unwrap(deps.commands.tellComplianceConfiguration(by, told))
    return done
  })
  return { change: shown(done.change), ended }
}

function approvalProblem(
  { id, proposedById, proposedBy }: ProposedChange,
  { by, proposer, alone }: { by: Principal; proposer: Principal | undefined; alone: boolean },
): string | undefined {
  if (proposedById === by.id) {
    if (!alone) return `You proposed change ${id} yourself: another person approves it.`
    return isOfficer(by) ? undefined : 'This takes the role officer.'
  }
  // What somebody proposed who has lost the right since is nobody's proposal any more.
  if (!proposer || proposer.disabled || !proposer.roles.some((role) => role === 'operator' || role === 'officer'))
    return `${proposedBy}, who proposed change ${id}, may not propose changes any more. Propose it yourself.`
  if (!isOfficer(by) && !isOfficer(proposer))
    return `Neither you nor ${proposedBy} is an officer: an officer approves change ${id}.`
  return undefined
}

export const refuseComplianceChange: Handle<'refuseComplianceChange'> = (deps, call) =>
  closed(deps, call, 'refused', ({ id, proposedById }) =>
    proposedById === call.actor.id ? `You proposed change ${id} yourself: withdraw it.` : undefined,
  )

export const withdrawComplianceChange: Handle<'withdrawComplianceChange'> = (deps, call) =>
  closed(deps, call, 'withdrawn', ({ id, proposedById, proposedBy }) =>
    proposedById === call.actor.id ? undefined : `${proposedBy} proposed change ${id}: refuse it.`,
  )

async function closed(
  { complianceDb, clock }: AdminApiDeps,
  { actor, path, body }: Call<'refuseComplianceChange' | 'withdrawComplianceChange'>,
  to: 'refused' | 'withdrawn',
  mayClose: (change: ProposedChange) => string | undefined,
): Promise<ComplianceChange> {
  const given = { id: numberOf(path), to, account: actor.account, reason: body.reason ?? null, now: clock.now() }
  return shown(settled(await closeOf(complianceDb, { ...given, mayClose })).change)
}

/** Without the texts of stylesheets, which may be a megabyte each. */
export const listComplianceChanges: Handle<'listComplianceChanges'> = async ({ complianceDb }, { query }) => {
  const { open, after, limit } = query
  const found = await listOf(complianceDb, { open, before: after, limit: limit + 1 })
  const changes = found.slice(0, limit).map((change) => {
    const { settings, ...rest } = shown(change)
    return { ...rest, settings: settings && { ...settings, customConfiguration: undefined } }
  })
  return { changes, next: found.length > limit ? String(changes.at(-1)!.id) : null }
}

export const showComplianceChange: Handle<'showComplianceChange'> = async ({ complianceDb }, { path }) => {
  const id = numberOf(path)
  const change = await findComplianceChange(complianceDb, id)
  if (!change) throw new AdminProblem('not-found', `There is no change ${id}.`)
  return shown(change)
}

function shown({ proposedById: _, settings, ...change }: ProposedChange): ComplianceChange {
  const stylesheet = settings?.['customConfiguration']
  const stylesheetSha256 = typeof stylesheet === 'string' ? hash('sha256', stylesheet, 'hex') : null
  return { ...change, settings, stylesheetSha256 }
}

function isOfficer({ roles }: Principal): boolean {
  return roles.includes('officer')
}

function numberOf(path: Readonly<Record<string, string>>): number {
  const text = path['change']!
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text)
  throw new AdminProblem('not-found', `There is no change ${JSON.stringify(text)}.`)
}

function settled<O extends { readonly outcome: 'done' | 'refused' }>(result: O): Extract<O, { outcome: 'done' }> {
  if (result.outcome === 'done') return result as Extract<O, { outcome: 'done' }>
  const { why, problem } = result as unknown as { why: 'not-found' | 'conflict' | 'invalid'; problem: string }
  throw new AdminProblem(why, problem)
}
