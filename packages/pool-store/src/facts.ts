import type { PartReason } from '@hansard/compliance-event'
import type { Principal } from './principals.ts'

/** Something that happened in a room and has to be on record before anybody is told. */
export type Fact =
  | {
      readonly kind: 'chat'
      readonly roomId: number
      readonly principal: Principal
      /** The client's own name for the post: once per principal and room. */
      readonly post: string
      readonly text: string
      /** The client says that it repeats a post: look for the first one. */
      readonly again: boolean
    }
  | { readonly kind: 'join'; readonly roomId: number; readonly principal: Principal; readonly session: string }
  | {
      readonly kind: 'part'
      readonly roomId: number
      readonly principal: Principal
      readonly session: string
      readonly reason: PartReason
    }
  | {
      readonly kind: 'backchat'
      readonly roomId: number
      readonly principal: Principal
      readonly firstChatId: number
      readonly lastChatId: number
    }

/** What became of a fact, once it is durable. */
export type Outcome =
  /** `repeated`: this post was on record already; id and time are those of the first. */
  | { readonly kind: 'chat'; readonly chatId: number; readonly at: number; readonly repeated: boolean }
  /** `lastChatId`: the newest chat of the room when the join committed. `repeated`: was a participant already. */
  | { readonly kind: 'join'; readonly at: number; readonly lastChatId: number; readonly repeated: boolean }
  /** `repeated`: was no participant any more; no event was recorded. */
  | { readonly kind: 'part'; readonly at: number; readonly repeated: boolean }
  | { readonly kind: 'backchat'; readonly at: number }
  | { readonly kind: 'no-such-room' }
