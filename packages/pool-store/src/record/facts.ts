import type { PartReason } from '@hansard/compliance-event'
import type { Principal } from '../access/principals.ts'

/**
 * A fact about a room. It must be on record before anything about it is delivered.
 *
 * `rights` is the room's rights version under which the service decided. When the version has changed, nothing is
 * recorded (`rights-changed`) and the service must decide again. So nobody posts, joins or reads after the commit
 * that took the right away, on any server.
 */
export type Fact =
  | {
      readonly kind: 'chat'
      readonly roomId: number
      readonly principal: Principal
      /** the client's own name for the post: unique per principal and room */
      readonly post: string
      readonly text: string
      /** The client declares that it repeats a post: look for the first one. */
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
      /**
       * The joining session is shown the chats after this id: an audited read, recorded as one. Absent: it is shown
       * none.
       */
      readonly after?: number
      /** the category keeps no history: chats are shown only to recent participants (departures.ts) */
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
      /** the query, if the read was a search */
      readonly query?: string
      readonly rights: number
    }

/** The outcome of a fact, once it is durable. */
export type Outcome =
  /** `repeated`: this post was already on record; id and time are those of the first. */
  | { readonly kind: 'chat'; readonly chatId: number; readonly at: number; readonly repeated: boolean }
  /**
   * `lastChatId`: the room's newest chat when the join committed. The chats after `from` are to be shown: their read
   * is on record. `repeated`: the session was a participant already.
   */
  | {
      readonly kind: 'join'
      readonly at: number
      readonly from: number
      readonly lastChatId: number
      /** the room's rights version when it committed */
      readonly rights: number
      readonly repeated: boolean
    }
  /** `repeated`: the session was no participant any more; no event was recorded. */
  | { readonly kind: 'part'; readonly at: number; readonly rights: number; readonly repeated: boolean }
  | { readonly kind: 'backchat'; readonly at: number }
  /** The post's name belongs to another post, which is on record with this id. Nothing was recorded. */
  | { readonly kind: 'post-name-used'; readonly chatId: number }
  | { readonly kind: 'no-such-room' }
  /** The room's rights have changed since the decision; `rights` is the current version. Nothing was recorded. */
  | { readonly kind: 'rights-changed'; readonly rights: number }
