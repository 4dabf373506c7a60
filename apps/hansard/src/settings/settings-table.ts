import { hostname } from 'node:os'
import { adminProcessConfig } from '@hansard/admin-api'
import { channelProcessConfig } from '@hansard/channel-service'
import { complianceProcessConfig } from '@hansard/compliance-worker'
import { commonSettings, Env, type Setting } from '@hansard/config'
import { fileProcessConfig } from '@hansard/file-service'
import { lookupProcessConfig } from '@hansard/lookup-service'
import { relayProcessConfig } from '@hansard/relay'
import { MEANINGS } from './meanings.ts'

/** Who reads settings, as the table calls them. The command line reads some of them only where a command needs them. */
const READERS: Readonly<Record<string, (env: Env) => void>> = {
  admin: adminProcessConfig,
  channel: channelProcessConfig,
  files: fileProcessConfig,
  lookup: lookupProcessConfig,
  relay: relayProcessConfig,
  worker: complianceProcessConfig,
  hansard(env) {
    commonSettings(env)
    for (const name of COMMAND_LINE) env.optional(name)
  },
}

const COMMAND_LINE = [
  'HANSARD_ADMIN_PASSWORD',
  'HANSARD_ANCHOR_DIRECTORY',
  'HANSARD_ANCHOR_TSA_URL',
  'HANSARD_AS_PASSWORD',
  'HANSARD_DEBUG',
  'HANSARD_FILES_CLAMD',
  'HANSARD_HISTORY',
  'HANSARD_NEW_PASSWORD',
  'HANSARD_PASSWORD',
  'HANSARD_RECEIVER_PASSWORD',
  'HANSARD_SENDER_PASSWORD',
] as const

type SettingRow = { readonly name: string; readonly readers: readonly string[]; readonly settings: Setting[] }

/** Every setting of every service and of the command line, in the order of their names. */
export function allSettings(): SettingRow[] {
  const rows = new Map<string, { name: string; readers: string[]; settings: Setting[] }>()
  for (const [reader, read] of Object.entries(READERS)) {
    const env = new Env({})
    read(env)
    for (const setting of env.declared()) {
      const row = rows.get(setting.name) ?? { name: setting.name, readers: [], settings: [] }
      row.readers.push(reader)
      row.settings.push(setting)
      rows.set(setting.name, row)
    }
  }
  return [...rows.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** The table of docs/operating.md. */
export function settingsTable(): string {
  const lines = allSettings().map(({ name, readers, settings }) => {
    const takes = settings.find((each) => each.takes !== 'text')?.takes ?? ''
    const who = readers.length === Object.keys(READERS).length ? 'all' : readers.join(', ')
    return `| \`${name}\` | ${who} | ${[takes, unitOf(name)].filter(Boolean).join(' ')} | ${fallbackOf(readers, settings)} | ${MEANINGS[name] ?? ''} |`
  })
  return ['| Setting | Read by | Takes | Default | Means |', '|---|---|---|---|---|', ...lines].join('\n')
}

const UNITS: readonly (readonly [RegExp, string])[] = [
  [/_SECONDS$/, 's'],
  [/_MS$/, 'ms'],
  [/BYTES/, 'bytes'],
]

function unitOf(name: string): string {
  return UNITS.find(([suffix]) => suffix.test(name))?.[1] ?? ''
}

function fallbackOf(readers: readonly string[], settings: readonly Setting[]): string {
  const requiring = readers.filter((_, index) => settings[index]?.fallback === 'required')
  if (requiring.length > 0)
    return requiring.length === readers.length ? 'required' : `required by ${requiring.join(', ')}`
  const first = settings.map((each) => each.fallback).find((each) => each !== undefined)
  if (first === undefined) return ''
  return `\`${first.replace(`@${hostname()}`, '@HOSTNAME')}\``
}
