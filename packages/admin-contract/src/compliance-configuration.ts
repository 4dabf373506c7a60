import { z } from 'zod'

/** `global`, `adapter:<name>`, `site:<name>` or `service:<name>`; each is one adapter. */
const identity = z.string().min(1).max(256)
const path = z.string().min(1).max(4_096)

/**
 * How the compliance worker exports. The names are the original's. An absent setting takes the value of the global
 * configuration, or the default in the comment.
 */
export const ComplianceSettings = z.strictObject({
  /** names the adapter's directory and its exports (`xml/12`) */
  adapterName: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'takes lower-case letters, digits, dot, dash and underscore')
    .optional()
    .describe('names the directory and the exports; a new name starts a new series of exports and ends this one'),
  adapterType: z.string().min(1).max(64).optional().describe('the output format: an adapter type of this pool'),
  /** a folder named after the adapter in the worker's own when absent */
  adapterOutputDirectory: path.optional().describe('a directory on the compliance worker’s disk'),
  addChatRoomDetails: z.boolean().optional().describe('more details of rooms in the documents; default off'),
  addUserDetails: z.boolean().optional().describe('more details of users in the documents; default off'),
  createFileAttachmentsManifest: z
    .boolean()
    .optional()
    .describe('a list of transferred files beside the documents; default off'),
  customConfiguration: z
    .string()
    .max(1_048_576)
    .optional()
    .describe('text of an XSLT stylesheet; the adapter’s own when absent'),
  oneChatRoomPerOutputFile: z.boolean().optional().describe('a separate document for every room; default off'),
  /** in milliseconds; default fifteen minutes */
  runIntervalMs: z
    .number()
    .int()
    .min(60_000)
    .max(30 * 86_400_000)
    .optional()
    .describe('length of an interval'),
  eventsPerFileMax: z
    .number()
    .int()
    .min(1)
    .max(100_000)
    .optional()
    .describe('maximum number of events in one document; default 10,000'),
  stopWhenIncomplete: z
    .boolean()
    .optional()
    .describe('seal no export that does not show everything it counts: stop until the stylesheet does; default off'),
  /** milliseconds since 1970 */
  exportFrom: z
    .number()
    .int()
    .min(0)
    .max(8.64e15)
    .optional()
    .describe('gives a series without exports the past, from the interval that holds this moment'),
})
export type ComplianceSettings = z.infer<typeof ComplianceSettings>

export const ComplianceConfigurationEntry = z.object({ identity, settings: ComplianceSettings })
export type ComplianceConfigurationEntry = z.infer<typeof ComplianceConfigurationEntry>

export const ListComplianceConfigurationsReply = z.object({
  configurations: z.array(ComplianceConfigurationEntry),
  /** `one-person`: one person may change what is exported, or has set something that applies now */
  approval: z.enum(['two-people', 'one-person']),
})
export type ListComplianceConfigurationsReply = z.infer<typeof ListComplianceConfigurationsReply>

/** Names of adapters that no longer exist after the change: nothing more is exported to their series. */
const ended = z.array(z.string())

export const ComplianceConfigurationChanged = ComplianceConfigurationEntry.extend({ ended })
export type ComplianceConfigurationChanged = z.infer<typeof ComplianceConfigurationChanged>

export const ComplianceConfigurationRemoved = z.object({ removed: z.string(), ended })
export type ComplianceConfigurationRemoved = z.infer<typeof ComplianceConfigurationRemoved>
