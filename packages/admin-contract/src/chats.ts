import { ChatFilter } from '@hansard/wire'
import { z } from 'zod'

/** The original's replacement text for a chat if none is given. */
export const DEFAULT_REPLACEMENT = 'This message was replaced by the Persistent Chat administrator.'

/** An empty filter is refused: `clearRoom` removes everything. */
const filter = ChatFilter

export const RemoveChatsRequest = z.strictObject({
  filter,
  /** count them and change nothing */
  dryRun: z.boolean().optional(),
})
export type RemoveChatsRequest = z.input<typeof RemoveChatsRequest>

export const ReplaceChatsRequest = z.strictObject({
  filter,
  replacement: z.string().min(1).max(4_096).default(DEFAULT_REPLACEMENT),
  dryRun: z.boolean().optional(),
})
export type ReplaceChatsRequest = z.input<typeof ReplaceChatsRequest>
