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
    .optional(),
  /** the output format: an adapter type of this pool */
  adapterType: z.string().min(1).max(64).optional(),
  /** on the compliance worker's disk; by default a directory named after the adapter below the worker's own */
  adapterOutputDirectory: path.optional(),
  /** more details of rooms in the documents; default false */
  addChatRoomDetails: z.boolean().optional(),
  /** more details of users in the documents; default false */
  addUserDetails: z.boolean().optional(),
  /** a list of transferred files beside the documents; default false */
  createFileAttachmentsManifest: z.boolean().optional(),
  /** text of an XSLT stylesheet; the adapter's own when absent */
  customConfiguration: z.string().max(1_048_576).optional(),
  /** a separate document for every room; default false */
  oneChatRoomPerOutputFile: z.boolean().optional(),
  /** length of an interval in milliseconds: one minute to thirty days; default fifteen minutes */
  runIntervalMs: z
    .number()
    .int()
    .min(60_000)
    .max(30 * 86_400_000)
    .optional(),
  /** events in one document at most; default 10,000 */
  eventsPerFileMax: z.number().int().min(1).max(100_000).optional(),
})
export type ComplianceSettings = z.infer<typeof ComplianceSettings>

export const ComplianceConfigurationEntry = z.object({ identity, settings: ComplianceSettings })
export type ComplianceConfigurationEntry = z.infer<typeof ComplianceConfigurationEntry>

export const ListComplianceConfigurationsReply = z.object({ configurations: z.array(ComplianceConfigurationEntry) })
export type ListComplianceConfigurationsReply = z.infer<typeof ListComplianceConfigurationsReply>

/** Names of adapters that no longer exist after the change: nothing more is exported to their series. */
const ended = z.array(z.string())

export const ComplianceConfigurationChanged = ComplianceConfigurationEntry.extend({ ended })
export type ComplianceConfigurationChanged = z.infer<typeof ComplianceConfigurationChanged>

export const ComplianceConfigurationRemoved = z.object({ removed: z.string(), ended })
export type ComplianceConfigurationRemoved = z.infer<typeof ComplianceConfigurationRemoved>
