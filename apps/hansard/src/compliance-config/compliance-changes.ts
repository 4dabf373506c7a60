import type { AdminReplyOf } from '@hansard/admin-contract'
import { openAdmin } from '../cli/admin-client.ts'
import { confirm } from '../cli/confirm.ts'
import { answer, type ExitCode, type Io } from '../cli/io.ts'
import { properties, table, utc, visible } from '../cli/table.ts'
import { type PoolOptions, said } from '../cli/verb.ts'
import { describedSettings, endOf } from './described-settings.ts'

type Change = AdminReplyOf<'showComplianceChange'>
type Settings = NonNullable<Change['settings']>

export async function listChanges(io: Io, options: PoolOptions & { open: boolean; limit: number }): Promise<ExitCode> {
  const admin = await openAdmin(io, options)
  const query = { ...(options.open ? { open: true } : {}), limit: Math.min(options.limit, 100) }
  const reply = await admin.ask('listComplianceChanges', { query })
  answer(io, options.json, reply, () =>
    table(
      ['CHANGE', 'STATE', 'IDENTITY', 'PROPOSED BY', 'AT', 'DECIDED BY', 'SHA-256'],
      reply.changes.map((one) => [
        one.id,
        one.state,
        one.settings === null ? `${one.identity} (removed)` : one.identity,
        one.proposedBy,
        utc(one.proposedAt),
        one.decidedBy ?? '',
        one.sha256,
      ]),
    ),
  )
  return 0
}

export async function showChange(io: Io, change: number, options: PoolOptions): Promise<ExitCode> {
  const admin = await openAdmin(io, options)
  const found = await admin.ask('showComplianceChange', { parts: { change } })
  const { configurations } = await admin.ask('listComplianceConfigurations')
  const now = configurations.find(({ identity }) => identity === found.identity)?.settings
  answer(io, options.json, { ...found, now: now ?? null }, () => described(found, now))
  return 0
}

/** What is approved is the proposal that was shown, named by its hash. */
export async function approveChange(
  io: Io,
  change: number,
  options: PoolOptions & { sha256?: string; yes: boolean },
): Promise<ExitCode> {
  const admin = await openAdmin(io, options)
  let { sha256 } = options
  if (sha256 === undefined) {
    const found = await admin.ask('showComplianceChange', { parts: { change } })
    const { configurations } = await admin.ask('listComplianceConfigurations')
    const now = configurations.find(({ identity }) => identity === found.identity)?.settings
    if (!options.json) io.stdout.write(described(found, now))
    await confirm(io, options, `Approve change ${change}?`)
    sha256 = found.sha256
  }
  const approved = await admin.ask('approveComplianceChange', { parts: { change }, body: { sha256 } })
  const end = approved.ended.length > 0 ? ` ${endOf(approved.ended)}` : ''
  answer(io, options.json, approved, () => `Change ${change} is approved and applies now.${end}\n`)
  return 0
}

export async function closeChange(
  io: Io,
  change: number,
  verb: 'refuse' | 'withdraw',
  options: PoolOptions & { reason?: string },
): Promise<ExitCode> {
  const admin = await openAdmin(io, options)
  const route = verb === 'refuse' ? 'refuseComplianceChange' : 'withdrawComplianceChange'
  const closed = await admin.ask(route, { parts: { change }, body: said({ reason: options.reason }) })
  answer(io, options.json, closed, () => `Change ${change} is ${closed.state}.\n`)
  return 0
}

function described(change: Change, now: Settings | undefined): string {
  const { id, identity, settings, state, sha256, stylesheetSha256, reason, proposedBy, proposedAt } = change
  const decided = change.decidedBy === null ? '' : `${change.decidedBy}, ${utc(change.decidedAt!)}`
  return [
    properties([
      ['change', String(id)],
      ['state', state],
      ['identity', identity],
      ['proposed by', `${proposedBy}, ${utc(proposedAt)}`],
      ['reason', reason ?? ''],
      ['decided by', decided],
      ['SHA-256', sha256],
      ['stylesheet', stylesheetSha256 === null ? '' : `SHA-256 ${stylesheetSha256}`],
    ]),
    ...(state === 'open' || state === 'stale' ? differences(settings, now).map((line) => `${visible(line)}\n`) : []),
  ].join('')
}

function differences(settings: Settings | null, now: Settings | undefined): string[] {
  if (settings === null) return ['  removed: nothing more is exported by it']
  const [before, after] = [describedSettings(now ?? {}), describedSettings(settings)]
  const names = [...new Set([...before.keys(), ...after.keys()])]
  const lines = names.flatMap((name) => {
    const [was, is] = [before.get(name), after.get(name)]
    return was === is ? [] : [`  ${name}: ${was ?? 'not set'} → ${is ?? 'not set'}`]
  })
  return [...(now ? [] : ['  added']), ...(lines.length === 0 && now ? ['  the same settings again'] : lines)]
}
