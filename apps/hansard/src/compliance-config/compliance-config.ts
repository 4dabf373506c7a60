import { readFile } from 'node:fs/promises'
import { adaptersOf } from '@hansard/adapter'
import { type AdminReplyOf, ComplianceSettings } from '@hansard/admin-contract'
import { decodeText } from '@hansard/config'
import { type AdminClient, openAdmin } from '../cli/admin-client.ts'
import { misused, refused } from '../cli/command-failure.ts'
import { confirm } from '../cli/confirm.ts'
import { answer, type ExitCode, type Io } from '../cli/io.ts'
import { settingsNamed } from '../cli/option-names.ts'
import { type GivenOptions, valuesOf } from '../cli/schema-options.ts'
import { properties } from '../cli/table.ts'
import type { PoolOptions } from '../cli/verb.ts'
import { COMPLIANCE_TEXTS } from './compliance-texts.ts'
import { describedSettings, endOf } from './described-settings.ts'

export type ProposeOptions = PoolOptions & { readonly reason?: string }
export type ComplianceConfigOptions = ProposeOptions &
  GivenOptions & { readonly stylesheet?: string | false; readonly yes: boolean }
type Configuration = AdminReplyOf<'listComplianceConfigurations'>['configurations'][number]

export async function listComplianceConfig(io: Io, options: PoolOptions): Promise<ExitCode> {
  const admin = await openAdmin(io, options)
  const reply = await admin.ask('listComplianceConfigurations')
  answer(io, options.json, reply, () => {
    const one = 'One person may change what is exported, or has set something that applies now.\n'
    return reply.configurations.map(described).join('') + (reply.approval === 'one-person' ? one : '')
  })
  return 0
}

export async function setComplianceConfig(
  io: Io,
  identity: string,
  options: ComplianceConfigOptions,
): Promise<ExitCode> {
  const { stylesheet } = options
  const changes = {
    ...valuesOf(ComplianceSettings, options, COMPLIANCE_TEXTS),
    ...(typeof stylesheet === 'string' ? { customConfiguration: await readStylesheet(stylesheet) } : {}),
  }
  if (Object.keys(changes).length === 0 && stylesheet !== false) {
    throw misused('Nothing to change was named.', 'See `hansard compliance-config set --help`.')
  }
  const admin = await openAdmin(io, options)
  return put(io, admin, options, identity, (before) => {
    const { customConfiguration, ...others } = before
    return stylesheet === false ? { ...others, ...changes } : { ...before, ...changes }
  })
}

/** Takes settings away, so that those of `global` count, or the defaults. */
export async function unsetComplianceConfig(
  io: Io,
  identity: string,
  settings: readonly string[],
  options: ProposeOptions & { yes: boolean },
): Promise<ExitCode> {
  const names = settingsNamed(ComplianceSettings, settings)
  const admin = await openAdmin(io, options)
  return put(io, admin, options, identity, (before) =>
    Object.fromEntries(Object.entries(before).filter(([name]) => !names.includes(name as never))),
  )
}

/** A configuration is replaced as a whole. Asks first when a series of exports would end by it. */
async function put(
  io: Io,
  admin: AdminClient,
  options: ProposeOptions & { yes: boolean },
  identity: string,
  change: (before: Configuration['settings']) => Configuration['settings'],
): Promise<ExitCode> {
  const { configurations } = await admin.ask('listComplianceConfigurations')
  const others = configurations.filter((one) => one.identity !== identity)
  const settings = change(configurations.find((one) => one.identity === identity)?.settings ?? {})
  const ending = seriesEnding(configurations, [...others, { identity, settings }])
  if (ending.length > 0) await confirm(io, options, `${endOf(ending)} Go on?`)
  return propose(io, admin, options, { identity, settings, done: described({ identity, settings }) })
}

/** Proposes the present settings again, so that two people have approved what applies. */
export async function confirmComplianceConfig(io: Io, identity: string, options: ProposeOptions): Promise<ExitCode> {
  const admin = await openAdmin(io, options)
  const { configurations } = await admin.ask('listComplianceConfigurations')
  const now = configurations.find((one) => one.identity === identity)
  if (!now) throw refused(`There is no compliance configuration ${identity}.`)
  return propose(io, admin, options, { ...now, done: described(now) })
}

/** Where one person may change what is exported, an officer's proposal applies at once. */
async function propose(
  io: Io,
  admin: AdminClient,
  { json, reason }: ProposeOptions,
  { done, ...wanted }: { identity: string; settings: Configuration['settings'] | null; done: string },
): Promise<ExitCode> {
  const body = { ...wanted, ...(reason === undefined ? {} : { reason }) }
  const { change, ended } = await admin.ask('proposeComplianceChange', { body })
  answer(io, json, { ...wanted, ended, change }, () =>
    change.state === 'approved'
      ? `${[done.trimEnd(), ...(ended.length > 0 ? [endOf(ended)] : [])].join(wanted.settings === null ? ' ' : '\n')}\n`
      : `Proposed as change ${change.id}; nothing has changed yet. Another person approves it, and one of the two is an officer:\n  hansard compliance-changes approve ${change.id} --as ACCOUNT\n`,
  )
  return 0
}

/** The global configuration returns to its defaults; any other is an adapter, whose series of exports ends. */
export async function removeComplianceConfig(
  io: Io,
  identity: string,
  options: ProposeOptions & { yes: boolean },
): Promise<ExitCode> {
  const admin = await openAdmin(io, options)
  const { configurations } = await admin.ask('listComplianceConfigurations')
  const known = configurations.some((one) => one.identity === identity)
  const ending = seriesEnding(
    configurations,
    configurations.filter((one) => one.identity !== identity),
  )
  const question = identity === 'global' ? 'Take global back to its defaults?' : `Remove ${identity}? ${endOf(ending)}`
  if (known) await confirm(io, options, question)
  const done = identity === 'global' ? 'global is back to its defaults.' : `${identity} has been removed.`
  return propose(io, admin, options, { identity, settings: null, done })
}

function seriesEnding(before: readonly Configuration[], after: readonly Configuration[]): string[] {
  const names = (configurations: readonly Configuration[]) => adaptersOf(configurations).map(({ name }) => name)
  const left = names(after)
  return names(before).filter((name) => !left.includes(name))
}

async function readStylesheet(file: string): Promise<string> {
  const bytes = await readFile(file).catch((error: Error) => {
    throw misused(`${file} cannot be read: ${error.message}`)
  })
  const text = decodeText(bytes, { what: file })
  // It is kept and handed on as text, so a declaration of another encoding would be read as the truth later.
  const declared = /^<\?xml[^>]*?\sencoding\s*=\s*["']([^"']*)["']/.exec(text.slice(0, 200))?.[1]
  if (declared !== undefined && !/^(utf-8|us-ascii)$/i.test(declared))
    throw misused(`${file} says that it is encoded as ${declared}.`, 'Save it as UTF-8, and let its first line say so.')
  return text
}

function described({ identity, settings }: Configuration): string {
  return properties([['identity', identity], ...describedSettings(settings)])
}
