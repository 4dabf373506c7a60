import { briefChatFrame } from '@hansard/wire'
import type { FeedChat, LiveFeeds } from '../attention/live-feeds.ts'
import { textFrame } from '../delivery/frames.ts'
import type { Session } from '../delivery/session.ts'
import type { Member } from './membership.ts'
import { feedChat, feedMatchFrames, frameOfChat, goneFrame } from './room-frames.ts'
import type { RoomReads } from './room-reads.ts'

/** The room, as far as delivery depends on it. */
type Room = {
  readonly uri: string
  readonly ref: number
  readonly members: ReadonlyMap<Session, Member>
  /** the rights version under which the members were last checked */
  readonly rights: number
  confirmRights(): Promise<void>
}

/**
 * Delivers one room's chats to the members on this service, in the order of their ids and without a gap.
 *
 * A chat that arrives in order is written as it is. If a chat would leave a gap, the missing chats are read from the
 * pool database first. Live delivery skips a member that is still catching up.
 *
 * The danger is a chat that reaches a participant who was removed before it was posted. So nothing that was committed
 * under a newer rights version is delivered before the members have been checked again. What is read from the
 * database may be newer than any hint: the version is read after each page and compared before the page is delivered.
 */
export class OrderedDelivery {
  /** every chat up to this id has been delivered on this service */
  delivered: number
  readonly #room: Room
  readonly #reads: RoomReads
  readonly #feeds: LiveFeeds
  #wanted: number
  #filling: Promise<void> | undefined

  constructor(room: Room, options: { reads: RoomReads; feeds: LiveFeeds; lastChatId: number }) {
    this.#room = room
    this.#reads = options.reads
    this.#feeds = options.feeds
    this.delivered = options.lastChatId
    this.#wanted = options.lastChatId
  }

  /** Delivers a chat that is known to be durable and was committed under `rights`. */
  deliver(id: number, frame: string, rights: number): void {
    if (id <= this.delivered) return
    // The chat is not kept until the hub is up to date: it is read again from the database, with the rights. The same
    // holds while this service may have been declared dead without knowing it: then its participants are no longer in
    // the room.
    if (id > this.delivered + 1 || rights > this.#room.rights || this.#filling || !this.#reads.confirmedAlive())
      return this.catchUpTo(id)
    this.#write(id, textFrame(frame), {
      read: () => JSON.parse(frame) as FeedChat,
      brief: () => textFrame(briefChatFrame(frame, this.#room.ref)),
    })
  }

  /** Makes sure that everything up to `id` is delivered, from the database. The next call repairs a failure. */
  catchUpTo(id: number): void {
    this.#wanted = Math.max(this.#wanted, id)
    if (this.#wanted <= this.delivered) return
    this.#filling ??= this.#fill().then(
      () => {
        this.#filling = undefined
        // Chats that arrived while the last page was read.
        this.catchUpTo(this.#wanted)
      },
      () => {
        // The database is down; the service compares every room with the record again in a moment.
        this.#filling = undefined
      },
    )
  }

  /** Resolves when no missing chats are being read. */
  async filled(): Promise<void> {
    while (this.#filling) await this.#filling
  }

  async #fill(): Promise<void> {
    const { uri } = this.#room
    while (this.delivered < this.#wanted) {
      const chats = await this.#reads.chatsAfter(this.delivered, PAGE)
      if (chats.length === 0) throw new Error(`Chats after ${this.delivered} of ${uri} cannot be read.`)
      await this.#room.confirmRights()
      for (const chat of chats) {
        if (chat.chatId > this.delivered)
          this.#write(chat.chatId, frameOfChat(uri, chat), { read: () => feedChat(chat) })
      }
    }
  }

  #write(id: number, frame: Buffer | undefined, { read, brief }: { read: () => FeedChat; brief?: () => Buffer }): void {
    const { uri, members } = this.#room
    const lastGone = frame ? id - 1 : id
    const gone = lastGone > this.delivered ? goneFrame(uri, this.delivered + 1, lastGone) : undefined
    this.delivered = id
    let short: Buffer | undefined
    for (const member of members.values()) {
      if (!member.live || member.at >= id) continue
      member.at = id
      if (gone) member.session.deliver(gone)
      if (frame && member.brief && brief) {
        short ??= brief()
        member.session.deliver(short)
      } else if (frame) member.session.deliver(frame)
    }
    if (!frame) return
    // After the chat itself, and to those who received it here; a member that is catching up is notified when it gets
    // there.
    this.#feeds.tellMatching(this.#room, { read, bytes: frame.length }, (session, feeds) => {
      const member = members.get(session)
      if (!member?.live || member.liveAfter >= id) return
      for (const match of feedMatchFrames(uri, id, feeds)) session.deliver(match)
    })
  }
}

const PAGE = 200
