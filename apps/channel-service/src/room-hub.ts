import type { Chat } from '@hansard/pool-store'
import { chatFrame } from '@hansard/wire'
import { textFrame } from './frames.ts'
import type { Session } from './session.ts'

/** A session's place in a room: every chat up to `at` has been written to it. */
export type Member = { readonly session: Session; readonly hub: RoomHub; at: number; live: boolean }

export type NumberedFrame = { readonly id: number; readonly frame: string }

/**
 * One room on one channel service: who of this service is in it, and how far its chats have been handed out.
 *
 * Chats reach every member in the order of their ids, without a hole, whichever service accepted them. What arrives in
 * order is written as it is; anything that would leave a hole makes the hub read the missing chats from the pool
 * database first. A member that still has to catch up is skipped by live talk until it has everything up to here.
 */
export class RoomHub {
  readonly id: number
  readonly uri: string
  readonly name: string
  readonly members = new Map<Session, Member>()
  /** every chat up to this id has been handed out on this service */
  delivered: number
  /** joins under way that will need this hub */
  entering = 0
  /** participants on all services, as far as notices have told */
  participants: number
  /** too many participants for join and part notices (limit, and 80 % of it to resume) */
  quiet = false
  readonly #readAfter: (after: number, limit: number) => Promise<Chat[]>
  #wanted: number
  #filling: Promise<void> | undefined

  constructor(options: {
    id: number
    uri: string
    name: string
    delivered: number
    participants: number
    readAfter: (after: number, limit: number) => Promise<Chat[]>
  }) {
    this.id = options.id
    this.uri = options.uri
    this.name = options.name
    this.delivered = options.delivered
    this.#wanted = options.delivered
    this.participants = options.participants
    this.#readAfter = options.readAfter
  }

  /** Hands out a chat that is known to be durable. */
  deliver(id: number, frame: string): void {
    if (id <= this.delivered) return
    if (id > this.delivered + 1 || this.#filling) return this.catchUpTo(id)
    this.#handOut(id, textFrame(frame))
  }

  /** Makes sure that everything up to `id` is handed out, from the database. Failures are repaired by the next call. */
  catchUpTo(id: number): void {
    this.#wanted = Math.max(this.#wanted, id)
    if (this.#wanted <= this.delivered) return
    this.#filling ??= this.#fill().then(
      () => {
        this.#filling = undefined
        // What came while the last page was read.
        this.catchUpTo(this.#wanted)
      },
      () => {
        // The database is away; the service compares every room with it again in a moment.
        this.#filling = undefined
      },
    )
  }

  /** Takes a session in that has every chat up to `at`. It gets what is missing up to live talk, then live talk. */
  admit(session: Session, at: number): Member {
    const member: Member = { session, hub: this, at, live: at >= this.delivered }
    this.members.set(session, member)
    if (!member.live) void this.#bringUp(member)
    return member
  }

  /** Writes a notice (not a chat) to every member but one. */
  notify(text: string, except?: Session): void {
    const frame = textFrame(text)
    for (const session of this.members.keys()) if (session !== except) session.handOut(frame)
  }

  #handOut(id: number, frame: Buffer): void {
    this.delivered = id
    for (const member of this.members.values()) {
      if (!member.live || member.at >= id) continue
      member.at = id
      member.session.handOut(frame)
    }
  }

  async #fill(): Promise<void> {
    while (this.delivered < this.#wanted) {
      const chats = await this.#readAfter(this.delivered, PAGE)
      if (chats.length === 0) throw new Error(`Chats after ${this.delivered} of ${this.uri} cannot be read.`)
      for (const chat of chats) if (chat.chatId > this.delivered) this.#handOut(chat.chatId, this.#frameOf(chat))
    }
  }

  async #bringUp(member: Member): Promise<void> {
    try {
      while (member.at < this.delivered && !member.session.closed) {
        const chats = await this.#readAfter(member.at, PAGE)
        if (chats.length === 0)
          throw new Error(`Chats ${member.at + 1} to ${this.delivered} of ${this.uri} cannot be read.`)
        for (const chat of chats) {
          // Live talk is told in its own turn: what was read beyond it here would arrive twice.
          if (chat.chatId > this.delivered) break
          member.at = chat.chatId
          if (!member.session.handOut(this.#frameOf(chat))) return
        }
        await drained(member.session)
      }
      member.live = true
    } catch {
      // The database is away. The client comes back and asks again from what it has.
      member.session.cutOff()
    }
  }

  #frameOf(chat: Chat): Buffer {
    return textFrame(
      chatFrame({ room: this.uri, chat: chat.chatId, at: chat.postedAt, from: chat.author, text: chat.text }),
    )
  }
}

const PAGE = 200
const RESUME_BELOW_BYTES = 256 * 1_024

/** Waits until a socket has sent most of what it holds, so that a long absence is not poured into memory at once. */
function drained(session: Session): Promise<void> {
  const { socket } = session
  if (session.closed || socket.writableLength < RESUME_BELOW_BYTES) return Promise.resolve()
  return new Promise((resolve) => {
    const done = () => {
      socket.off('drain', done)
      socket.off('close', done)
      resolve()
    }
    socket.on('drain', done)
    socket.on('close', done)
  })
}
