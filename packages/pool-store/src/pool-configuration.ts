import type { Knex } from '@hansard/sql'

/** What a pool can be told while it runs. Sizes are bytes unless the name says otherwise, counts whole numbers. */
export type PoolConfiguration = {
  /** longest chat */
  readonly chatBytesMax: number
  /** longest story body */
  readonly storyBytesMax: number
  /** chats of history a client is shown when it does not say how many (the original's DefaultChatHistory, 1 to 500) */
  readonly defaultChatHistory: number
  /** largest file, in units of 1,024 bytes (the original's MaxFileSizeKB) */
  readonly maxFileSizeKb: number
  /** above so many participants a room sends no join and part notices; they resume below 80 % of it */
  readonly participantUpdateLimit: number
  /** results of one search at most */
  readonly searchLimit: number
  /** where clients find room management pages, or empty */
  readonly roomManagementUrl: string
  /** room managers may replace and delete chats of their rooms */
  readonly managersMayEditChats: boolean
}

export const DEFAULT_POOL_CONFIGURATION: PoolConfiguration = {
  chatBytesMax: 4_096,
  storyBytesMax: 65_536,
  defaultChatHistory: 30,
  maxFileSizeKb: 20_000,
  participantUpdateLimit: 75,
  searchLimit: 999,
  roomManagementUrl: '',
  managersMayEditChats: false,
}

/** What holds for a service of a site: its own settings over its site's over the global ones over the defaults. */
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
