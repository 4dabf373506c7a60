import { quoted, textProblem, webAddressProblem } from '@hansard/rooms'
import type { Knex } from '@hansard/sql'

/** Settings of a running pool. Sizes are bytes unless the name says otherwise; counts are whole numbers. */
export type PoolConfiguration = {
  /** longest chat */
  readonly chatBytesMax: number
  /** longest story body */
  readonly storyBytesMax: number
  /** chats of history a client gets by default (the original's DefaultChatHistory, 1 to 500) */
  readonly defaultChatHistory: number
  /** largest file, in units of 1,024 bytes (the original's MaxFileSizeKB) */
  readonly maxFileSizeKb: number
  /** a room with more participants sends no join and part notices; they resume below 80 % of it */
  readonly participantUpdateLimit: number
  /** maximum results of one search */
  readonly searchLimit: number
  /** URL of the room management pages, or empty */
  readonly roomManagementUrl: string
  /** room managers may replace and delete chats of their rooms */
  readonly managersMayEditChats: boolean
}

const DEFAULT_POOL_CONFIGURATION: PoolConfiguration = {
  chatBytesMax: 4_096,
  storyBytesMax: 65_536,
  defaultChatHistory: 30,
  maxFileSizeKb: 20_000,
  participantUpdateLimit: 75,
  searchLimit: 999,
  roomManagementUrl: '',
  managersMayEditChats: false,
}

/** Range of each number, both ends included. */
export const POOL_CONFIGURATION_RANGES: Partial<Record<keyof PoolConfiguration, readonly [number, number]>> = {
  chatBytesMax: [64, 262_144],
  storyBytesMax: [64, 262_144],
  defaultChatHistory: [1, 500],
  maxFileSizeKb: [0, 4_194_303],
  participantUpdateLimit: [0, 1_000_000],
  searchLimit: [1, 999],
}

/** Why an identity cannot have settings, or undefined when it can. */
export function configurationIdentityProblem(identity: string): string | undefined {
  return /^(global|(site|service):[^\p{Cc}\p{Cs}]{1,200})$/u.test(identity)
    ? undefined
    : `${quoted(identity)} is none of global, site:<name>, service:<name>.`
}

/**
 * Why a value is invalid for a setting, or undefined when it is valid. Null removes the setting, so that the wider
 * scope's applies.
 */
export function settingProblem(name: string, value: unknown): string | undefined {
  if (!Object.hasOwn(DEFAULT_POOL_CONFIGURATION, name)) return `There is no setting ${quoted(name)}.`
  if (value === null) return undefined
  const kind = typeof DEFAULT_POOL_CONFIGURATION[name as keyof PoolConfiguration]
  const [min, max] = POOL_CONFIGURATION_RANGES[name as keyof PoolConfiguration] ?? [0, Number.MAX_SAFE_INTEGER]
  if (kind === 'number') {
    const fits = Number.isInteger(value) && (value as number) >= min && (value as number) <= max
    return fits ? undefined : `${name} takes a whole number from ${min} to ${max}.`
  }
  if (typeof value !== kind) return `${name} takes a ${kind}.`
  if (kind !== 'string') return undefined
  const problem = textProblem(name, value as string, 2_048)
  if (problem || name !== 'roomManagementUrl' || value === '') return problem
  return webAddressProblem(value as string)
}

/**
 * The effective settings of a service at a site: its own settings, then its site's, then the global ones, then the
 * defaults.
 */
export async function poolConfiguration(
  knex: Knex | Knex.Transaction,
  { site, service }: { site?: string | undefined; service?: string | undefined } = {},
): Promise<PoolConfiguration> {
  const identities = ['global', ...(site ? [`site:${site}`] : []), ...(service ? [`service:${service}`] : [])]
  const rows: { identity: string; settings: string }[] = await knex('pool_configuration').whereIn(
    'identity',
    identities,
  )
  const settings = identities.map((identity) => rows.find((row) => row.identity === identity)?.settings)
  return Object.assign(
    { ...DEFAULT_POOL_CONFIGURATION },
    ...settings.map((text) => (text === undefined ? {} : (JSON.parse(text) as Partial<PoolConfiguration>))),
  )
}
