import type { PartReason } from '@hansard/compliance-event'
import type { Principal } from '../access/principals.ts'

/**
 * Something that happened in a room and has to be on record before anybody is told.
 *
 * `rights` is the version of the room's rights under which the service let it happen. When it is no longer the room's,
 * nothing is recorded (`rights-changed`): the service must decide again. So nobody talks, joins or looks after the
 * commit that took the right away, on whatever server they are.
 */
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
      /** of high importance */
      readonly alert?: boolean
      /** the chat is a story: its title */
      readonly title?: string
      /** the category keeps no history for participants */
      readonly unlogged?: boolean
      readonly rights: number
    }
  | {
      readonly kind: 'join'
      readonly roomId: number
      readonly principal: Principal
      readonly session: string
      /** Chats after this id are shown to whoever comes in: a look, and recorded as one. Absent: none are. */
      readonly after?: number
      /** the category keeps no history: chats are shown only to those who were there a moment ago (departures.ts) */
      readonly unlogged?: boolean
      readonly rights: number
    }
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
      /** what was searched for, when it was a search */
      readonly query?: string
      readonly rights: number
    }

/** What became of a fact, once it is durable. */
export type Outcome =
  /** `repeated`: this post was on record already; id and time are those of the first. */
  | { readonly kind: 'chat'; readonly chatId: number; readonly at: number; readonly repeated: boolean }
  /**
   * `lastChatId`: the newest chat of the room when the join committed. Those after `from` are to be shown: they are on record
   * as looked at. `repeated`: was a participant already.
   */
  | {
      readonly kind: 'join'
      readonly at: number
      readonly from: number
      readonly lastChatId: number
      /** version of the room's rights when it committed */
      readonly rights: number
      readonly repeated: boolean
    }
  /** `repeated`: was no participant any more; no event was recorded. */
  | { readonly kind: 'part'; readonly at: number; readonly rights: number; readonly repeated: boolean }
  | { readonly kind: 'backchat'; readonly at: number }
  /** The post's name is that of another post, which is on record with this id. Nothing was recorded. */
  | { readonly kind: 'post-name-used'; readonly chatId: number }
  | { readonly kind: 'no-such-room' }
  /** Who may do what in the room has changed since this was decided; `rights` is the version now. Nothing was recorded. */
  | { readonly kind: 'rights-changed'; readonly rights: number }
