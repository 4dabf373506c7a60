import { coalesce } from '@hansard/lifecycle'
import type { Member } from './membership.ts'
import type { OrderedDelivery } from './ordered-delivery.ts'
import { editFrame } from './room-frames.ts'
import type { RoomReads } from './room-reads.ts'

/** The room, as far as notices of edits depend on it. */
type Room = {
  readonly uri: string
  readonly deleted: boolean
  readonly members: ReadonlyMap<unknown, Member>
  confirmRights(): Promise<void>
}

/**
 * Notifies one room's members which chats were replaced or purged: never before the chat itself, and never a member
 * that must be removed. The content is read from the database, so the next hint or comparison recovers a lost hint.
 */
export class Edits {
  /** every edit up to this one has been sent on this service */
  #told: number
  readonly #room: Room
  readonly #reads: RoomReads
  readonly #delivery: OrderedDelivery
  readonly #read: () => Promise<void>

  /** `told`: the room's newest edit when the hub was opened. */
  constructor(room: Room, options: { reads: RoomReads; delivery: OrderedDelivery; told: number }) {
    this.#room = room
    this.#reads = options.reads
    this.#delivery = options.delivery
    this.#told = options.told
    this.#read = coalesce(() => this.#tellUntold())
  }

  /** Sends every edit up to this one. */
  async tell(edit: number): Promise<void> {
    if (edit <= this.#told || this.#room.deleted) return
    await this.#read()
    this.#told = Math.max(this.#told, edit)
  }

  async #tellUntold(): Promise<void> {
    const { uri, members } = this.#room
    const delivery = this.#delivery
    for (;;) {
      const { chats, through } = await this.#reads.chatsEdited(this.#told)
      if (chats.length === 0) return
      const newest = chats.reduce((id, { chatId }) => Math.max(id, chatId), 0)
      delivery.catchUpTo(newest)
      await this.#room.confirmRights()
      await delivery.filled()
      if (delivery.delivered < newest) throw new Error(`Chats up to ${newest} of ${uri} cannot be read.`)
      this.#told = through
      const frames = chats.map((chat) => editFrame(uri, chat))
      for (const member of members.values()) {
        for (const frame of frames) {
          if (member.live) member.session.deliver(frame)
          else member.held.push(frame)
        }
      }
    }
  }
}
