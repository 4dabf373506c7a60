import { ChatFilter } from '@hansard/wire'
import { z } from 'zod'

/** What the original puts in the place of a chat, unless it is told another text. */
export const DEFAULT_REPLACEMENT = 'This message was replaced by the Persistent Chat administrator.'

/** The filter must say something: removing everything is `clearRoom`. */
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
