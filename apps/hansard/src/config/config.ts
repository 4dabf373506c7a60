import { type AdminReplyOf, PoolSettings } from '@hansard/admin-contract'
import { openAdmin } from '../cli/admin-client.ts'
import { answer, type ExitCode, type Io } from '../cli/io.ts'
import { settingsNamed } from '../cli/option-names.ts'
import { type GivenOptions, valuesOf } from '../cli/schema-options.ts'
import { properties, visible } from '../cli/table.ts'
import { type PoolOptions, said, somethingNamed } from '../cli/verb.ts'

export type ConfigOptions = PoolOptions & GivenOptions & { readonly profile?: 'original' | 'default' }

/** Sizes of chats and stories: what servers of the original announced, and what holds by default (null). */
const PROFILES = {
  original: { chatBytesMax: 512, storyBytesMax: 4_096 },
  default: { chatBytesMax: null, storyBytesMax: null },
} as const

export async function listConfig(io: Io, options: PoolOptions): Promise<ExitCode> {
  const admin = await openAdmin(io, options)
  const { configurations } = await admin.ask('listConfigurations')
  answer(io, options.json, { configurations }, () =>
    configurations.length === 0
      ? 'Nothing has been set: the defaults hold. See `hansard config show`.\n'
      : configurations.map((one) => `${one.identity}\n${indented(shown(one.settings))}`).join(''),
  )
  return 0
}

export async function showConfig(
  io: Io,
  options: PoolOptions & { site?: string; service?: string },
): Promise<ExitCode> {
  const admin = await openAdmin(io, options)
  const query = said({ site: options.site, service: options.service })
  const { settings, remarks } = await admin.ask('effectiveConfiguration', { query })
  answer(io, options.json, settings, () => shown(settings))
  for (const remark of remarks) io.stderr.write(`${visible(remark)}\n`)
  return 0
}

export async function setConfig(io: Io, identity: string, options: ConfigOptions): Promise<ExitCode> {
  const profile = options.profile === undefined ? {} : PROFILES[options.profile]
  const body = somethingNamed({ ...profile, ...valuesOf(PoolSettings, options) }, 'config set')
  const admin = await openAdmin(io, options)
  const { configurations } = await admin.ask('listConfigurations')
  const known = configurations.some((one) => one.identity === identity)
  const parts = { identity }
  const settings = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null))
  const changed = known
    ? await admin.ask('changeConfiguration', { parts, body })
    : await admin.ask('addConfiguration', { parts, body: settings })
  answer(io, options.json, changed, () => `${changed.identity}\n${indented(shown(changed.settings))}`)
  return 0
}

/** Takes settings away, so that a wider configuration counts, or the default. */
export async function unsetConfig(
  io: Io,
  identity: string,
  settings: readonly string[],
  options: PoolOptions,
): Promise<ExitCode> {
  const body = Object.fromEntries(settingsNamed(PoolSettings, settings).map((name) => [name, null]))
  const admin = await openAdmin(io, options)
  // Of a configuration that is not there, none is made.
  await admin.ask('showConfiguration', { parts: { identity } })
  const changed = await admin.ask('changeConfiguration', { parts: { identity }, body })
  answer(io, options.json, changed, () => `${changed.identity}\n${indented(shown(changed.settings))}`)
  return 0
}

export async function removeConfig(io: Io, identity: string, options: PoolOptions): Promise<ExitCode> {
  const admin = await openAdmin(io, options)
  const removed = await admin.ask('removeConfiguration', { parts: { identity } })
  answer(io, options.json, removed, () => `${identity} has been removed.\n`)
  return 0
}

function shown(settings: AdminReplyOf<'showConfiguration'>['settings']): string {
  const entries = Object.entries(settings).map(([name, value]) => [name, String(value)] as const)
  return entries.length === 0 ? '' : properties(entries)
}

function indented(text: string): string {
  return text.replace(/^(?=.)/gm, '  ')
}
