import { z } from 'zod'
import { next, page } from './paging.ts'
import { listChange, principal, principals } from './principals.ts'

const name = z.string().min(1).max(256)
const identity = z.string().min(1).max(256)

/** A web page that clients show beside a room. */
export const AddInRequest = z.strictObject({ name, url: z.string().min(1).max(2_048) })
export type AddInRequest = z.infer<typeof AddInRequest>
export const AddIn = z.object({ name, url: z.string() })
export type AddIn = z.infer<typeof AddIn>
export const ChangeAddInRequest = z.strictObject({
  name: name.optional().describe('a new name'),
  url: z.string().min(1).max(2_048).optional().describe('http or https'),
})
export type ChangeAddInRequest = z.infer<typeof ChangeAddInRequest>
export const ListAddInsReply = z.object({ addIns: z.array(AddIn), next })
export type ListAddInsReply = z.infer<typeof ListAddInsReply>

/**
 * Who may use the pool. The most specific policy applies: the one granted to the user, else that of the site or the
 * pool, else the global one. Identities: `global`, `site:<name>`, `pool:<name>`, or any other name for policies
 * granted to users.
 */
export const AddPolicyRequest = z.strictObject({
  identity,
  description: z.string().max(256).optional(),
  enabled: z.boolean(),
})
export type AddPolicyRequest = z.infer<typeof AddPolicyRequest>
export const Policy = z.object({ identity, description: z.string(), enabled: z.boolean() })
export type Policy = z.infer<typeof Policy>
export const ChangePolicyRequest = z.strictObject({
  description: z.string().max(256).optional(),
  enabled: z.boolean().optional(),
})
export type ChangePolicyRequest = z.infer<typeof ChangePolicyRequest>
export const ListPoliciesReply = z.object({ policies: z.array(Policy), next })
export type ListPoliciesReply = z.infer<typeof ListPoliciesReply>

/** Null removes the users' own policies, so that a wider one applies. */
export const GrantPolicyRequest = z.strictObject({
  users: principals.min(1).max(1_000),
  policy: identity.nullable(),
})
export type GrantPolicyRequest = z.infer<typeof GrantPolicyRequest>

/** An address at which clients of the original look for the pool. */
export const AddEndpointRequest = z.strictObject({ uri: principal, displayName: name.optional() })
export type AddEndpointRequest = z.infer<typeof AddEndpointRequest>
export const Endpoint = z.object({ uri: z.string(), displayName: z.string() })
export type Endpoint = z.infer<typeof Endpoint>
export const ListEndpointsReply = z.object({ endpoints: z.array(Endpoint), next })
export type ListEndpointsReply = z.infer<typeof ListEndpointsReply>

/**
 * Settings of the pool, a site or a service. Sizes are bytes unless the name says otherwise. An absent setting is
 * inherited from the wider configuration.
 */
export const PoolSettings = z.strictObject({
  chatBytesMax: z.number().int().min(64).max(262_144).optional().describe('maximum size of a chat in bytes'),
  storyBytesMax: z.number().int().min(64).max(262_144).optional().describe('maximum size of a story in bytes'),
  defaultChatHistory: z
    .number()
    .int()
    .min(1)
    .max(500)
    .optional()
    .describe('chats of history that clients show by default'),
  maxFileSizeKb: z
    .number()
    .int()
    .min(0)
    .max(4_194_303)
    .optional()
    .describe('maximum size of a file, in units of 1,024 bytes'),
  participantUpdateLimit: z
    .number()
    .int()
    .min(0)
    .max(1_000_000)
    .optional()
    .describe('a room with more participants sends no join and part notices'),
  searchLimit: z.number().int().min(1).max(100_000).optional().describe('maximum number of results of one search'),
  roomManagementUrl: z
    .string()
    .max(2_048)
    .optional()
    .describe('URL for managing rooms in a browser: http or https, or empty'),
  managersMayEditChats: z.boolean().optional().describe('room managers may replace and delete chats'),
})
export type PoolSettings = z.infer<typeof PoolSettings>

/** Null unsets a setting, so that a wider one applies. */
export const PoolSettingsChange = z.strictObject(
  Object.fromEntries(Object.entries(PoolSettings.shape).map(([key, schema]) => [key, schema.nullable()])) as {
    [K in keyof typeof PoolSettings.shape]: z.ZodNullable<(typeof PoolSettings.shape)[K]>
  },
)
export type PoolSettingsChange = z.infer<typeof PoolSettingsChange>

/** Identities: `global`, `site:<name>`, `service:<name>`. */
export const PoolConfigurationEntry = z.object({ identity, settings: PoolSettings })
export type PoolConfigurationEntry = z.infer<typeof PoolConfigurationEntry>
export const ListPoolConfigurationsReply = z.object({ configurations: z.array(PoolConfigurationEntry) })
export type ListPoolConfigurationsReply = z.infer<typeof ListPoolConfigurationsReply>

/**
 * The effective settings of a service of a site. Precedence: the service's own, its site's, the global ones, the
 * defaults.
 */
export const EffectiveConfigurationQuery = z.strictObject({ site: name.optional(), service: name.optional() })
export type EffectiveConfigurationQuery = z.infer<typeof EffectiveConfigurationQuery>
export const EffectiveConfigurationReply = z.object({
  settings: PoolSettings.required(),
  /** warnings, for example that no service has that name; usually empty */
  remarks: z.array(z.string()),
})
export type EffectiveConfigurationReply = z.infer<typeof EffectiveConfigurationReply>

/** `failed-over`: the pool runs from its backup site. It is stored, recorded and shown; it switches nothing. */
export const PoolStateName = z.enum(['normal', 'failed-over'])
export const PoolStateReply = z.object({ pool: z.string(), state: PoolStateName })
export type PoolStateReply = z.infer<typeof PoolStateReply>
export const SetPoolStateRequest = z.strictObject({ state: PoolStateName })
export type SetPoolStateRequest = z.infer<typeof SetPoolStateRequest>

/**
 * Channel services: the active ones, to which clients are assigned, and all others that have ever started. A service
 * that has never started cannot be made active, and one started service always stays active.
 */
export const ActiveServersReply = z.object({ active: z.array(z.string()), inactive: z.array(z.string()) })
export type ActiveServersReply = z.infer<typeof ActiveServersReply>
export const SetActiveServersRequest = z.strictObject({ servers: listChange(z.array(name).max(1_000)) })
export type SetActiveServersRequest = z.infer<typeof SetActiveServersRequest>

export const SettingsQuery = z.strictObject(page)
