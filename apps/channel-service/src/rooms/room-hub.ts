import { coalesce } from '@hansard/lifecycle'
import type { RoomAccess } from '@hansard/pool-store'
import { type Decision, decide, type RoomOperation, refuse, type Standing } from '@hansard/rooms'
import type { LiveFeeds } from '../attention/live-feeds.ts'
import type { Session } from '../delivery/session.ts'
import { catchUp } from './catch-up.ts'
import { Edits } from './edits.ts'
import type { Member } from './membership.ts'
import { Notices } from './notices.ts'
import { OrderedDelivery } from './ordered-delivery.ts'
import { goneFrame } from './room-frames.ts'
import type { RoomReads } from './room-reads.ts'

/**
 * One room on one channel service: which sessions of this service are in it, and the rights version under which their
 * access was last checked. `OrderedDelivery`, `catchUp`, `Notices` and `Edits` send to them; each of these confirms
 * the rights here first.
 */
export class RoomHub {
  readonly id: number
  readonly uri: string
  /** stands for the room in `c` messages of this service */
  readonly ref: number
  readonly members = new Map<Session, Member>()
  access: RoomAccess
  addIn: { readonly name: string; readonly url: string } | null
  deleted = false
  /** joins in progress that will need this hub */
  entering = 0
  /** participants on all services, as far as notices have reported */
  participants: number
  /** too many participants for join and part notices (limit, and 80 % of it to resume) */
  quiet = false
  readonly #reads: RoomReads
  readonly #feeds: LiveFeeds
  readonly #delivery: OrderedDelivery
  readonly #notices: Notices
  readonly #edits: Edits

  constructor(options: {
    access: RoomAccess
    ref: number
    addIn: RoomHub['addIn']
    participants: number
    /** the room's newest edit when it was opened */
    edits: number
    reads: RoomReads
    feeds: LiveFeeds
    /** Checks every member's access against the room as it is now. */
    judge: (hub: RoomHub) => Promise<void>
  }) {
    const { access, ref, addIn, participants, edits, reads, feeds, judge } = options
    this.id = access.room.id
    this.uri = access.room.uri
    this.ref = ref
    this.access = access
    this.addIn = addIn
    this.participants = participants
    this.#reads = reads
    this.#feeds = feeds
    this.#delivery = new OrderedDelivery(this, { reads, feeds, lastChatId: access.room.lastChatId })
    this.#notices = new Notices(this, reads.confirmedAlive)
    this.#edits = new Edits(this, { reads, delivery: this.#delivery, told: edits })
    this.refresh = coalesce(() => judge(this))
    this.confirmRights = coalesce(async () => this.reach(await reads.rights()))
  }

  get name(): string {
    return this.access.room.name
  }

  /** The rights version under which the members were last checked. */
  get rights(): number {
    return this.access.room.rights
  }

  /** Every chat up to this id has been delivered on this service. */
  get delivered(): number {
    return this.#delivery.delivered
  }

  decide(operation: RoomOperation, standing: Standing): Decision {
    if (this.deleted) return refuse('no-such-room')
    return decide(operation, this.access.rules, standing, this.access.settings)
  }

  /** Checks every member's access again. */
  readonly refresh: () => Promise<void>

  /** Resolves when the members have been checked under this rights version or a newer one. */
  async reach(rights: number): Promise<void> {
    for (let reading = 0; this.rights < rights && !this.deleted; reading += 1) {
      if (reading === READINGS_MAX) throw new Error(`Version ${rights} of the rights of ${this.uri} cannot be read.`)
      await this.refresh()
    }
  }

  /** Asks the database whether the members were checked under the newest rights, and checks them again if not. */
  readonly confirmRights: () => Promise<void>

  /**
   * Adds a session that has the chats up to `has`. It receives the chats after `at`, and then live chats. It is told
   * that the chats in between are gone, so that it does not wait for them.
   */
  admit(
    session: Session,
    { has, at, standing, brief }: { has: number; at: number; standing: Standing; brief: boolean },
  ): Member {
    if (has < at) session.deliver(goneFrame(this.uri, has + 1, at))
    const mayPost = this.decide('post', standing).allowed
    const live = at >= this.delivered
    const member: Member = { session, at, live, liveAfter: at, standing, mayPost, brief, held: [] }
    this.members.set(session, member)
    if (!live) void catchUp(this, session, { reads: this.#reads, feeds: this.#feeds })
    return member
  }

  /** Delivers a chat that is known to be durable and was committed under `rights`. */
  deliver(id: number, frame: string, rights: number): void {
    this.#delivery.deliver(id, frame, rights)
  }

  /** Makes sure that everything up to `id` is delivered, from the database. */
  catchUpTo(id: number): void {
    this.#delivery.catchUpTo(id)
  }

  /** Writes a notice (not a chat) to every member, once they have been checked under `rights`. */
  notify(text: string, rights: number): void {
    this.#notices.notify(text, rights)
  }

  /** Sends the notices of replaced and purged chats, up to this edit. */
  tellEdits(edit: number): Promise<void> {
    return this.#edits.tell(edit)
  }
}

const READINGS_MAX = 5
