import { coalesce } from '@hansard/lifecycle'
import type { Chat, RoomAccess } from '@hansard/pool-store'
import { type Decision, decide, type RoomOperation, refuse, type Standing } from '@hansard/rooms'
import { chatChangedFrame, chatFrame, type ServerMessageOf } from '@hansard/wire'
import type { FeedChat, LiveFeeds } from '../attention/live-feeds.ts'
import { textFrame } from '../delivery/frames.ts'
import type { Session } from '../delivery/session.ts'

/** A session's place in a room: every chat up to `at` has been written to it. */
export type Member = {
  readonly session: Session
  readonly hub: RoomHub
  at: number
  live: boolean
  /** what it had when it came to live talk: it has been told all there is to tell of chats up to this one */
  liveAfter: number
  /** how it stands to the room, as of the hub's version of rights */
  standing: Standing
  /** what it was last told about posting */
  mayPost: boolean
  /** notices of chats that changed while it was still catching up */
  held: Buffer[]
}

/** How a hub reaches the pool database. */
export type HubReads = {
  /** Chats after an id, oldest first, without a hole. */
  chatsAfter(after: number, limit: number): Promise<(Chat & { readonly unlogged: boolean })[]>
  /** The version of the room's rights now. Rejects when this service has been declared dead or replaced. */
  rights(): Promise<number>
  /** Whether the record has confirmed a moment ago that this service is alive. */
  standing(): boolean
  /** What was edited after an edit, in the order of the edits, and how far this goes. */
  chatsEdited(after: number): Promise<{ chats: readonly Chat[]; through: number }>
  /** Loads the room's access and how everybody stands, and puts it into the hub (`take`). */
  reload(hub: RoomHub): Promise<void>
}

/**
 * One room on one channel service: who of this service is in it, and how far its chats have been handed out.
 *
 * Chats reach every member in the order of their ids, without a hole, whichever service accepted them. What arrives in
 * order is written as it is; anything that would leave a hole makes the hub read the missing chats from the pool
 * database first. A member that still has to catch up is skipped by live talk until it has everything up to here.
 *
 * The danger is a chat that reaches somebody who was put out before it was posted. So the hub knows the version of the
 * room's rights by which its members were last judged, and hands out nothing that was committed under a newer one
 * before it has judged them again. What is read from the database may be newer than any hint: the version is read after
 * each page and compared before the page is handed out.
 */
export class RoomHub {
  readonly id: number
  readonly uri: string
  readonly members = new Map<Session, Member>()
  access: RoomAccess
  addIn: { readonly name: string; readonly url: string } | null
  deleted = false
  /** every chat up to this id has been handed out on this service */
  delivered: number
  /** joins under way that will need this hub */
  entering = 0
  /** participants on all services, as far as notices have told */
  participants: number
  /** every edit of chats up to this one has been told on this service */
  edits: number
  /** too many participants for join and part notices (limit, and 80 % of it to resume) */
  quiet = false
  readonly #reads: HubReads
  readonly #feeds: LiveFeeds
  #wanted: number
  #filling: Promise<void> | undefined
  readonly #readEdits: () => Promise<void>
  /** notices that wait, and the last of them */
  #notices = 0
  #noticing: Promise<unknown> = Promise.resolve()

  constructor(options: {
    access: RoomAccess
    addIn: RoomHub['addIn']
    participants: number
    /** the room's newest edit when it was opened */
    edits: number
    reads: HubReads
    feeds: LiveFeeds
  }) {
    const { room } = options.access
    this.id = room.id
    this.uri = room.uri
    this.access = options.access
    this.addIn = options.addIn
    this.delivered = room.lastChatId
    this.#wanted = room.lastChatId
    this.participants = options.participants
    this.edits = options.edits
    this.#reads = options.reads
    this.#feeds = options.feeds
    this.refresh = coalesce(() => this.#reads.reload(this))
    this.confirmRights = coalesce(async () => this.reach(await this.#reads.rights()))
    this.#readEdits = coalesce(() => this.#tellOfEdits())
  }

  get name(): string {
    return this.access.room.name
  }

  /** The version of rights by which the members were last judged. */
  get rights(): number {
    return this.access.room.rights
  }

  decide(operation: RoomOperation, standing: Standing): Decision {
    if (this.deleted) return refuse('no-such-room')
    return decide(operation, this.access.rules, standing, this.access.settings)
  }

  /** Hands out a chat that is known to be durable and was committed under `rights`. */
  deliver(id: number, frame: string, rights: number): void {
    if (id <= this.delivered) return
    // Not kept until the hub knows enough: the database has it, and is asked about the rights on the way. So it is when this
    // service may have been declared dead without having heard: its people are out of the room then.
    if (id > this.delivered + 1 || rights > this.rights || this.#filling || !this.#reads.standing())
      return this.catchUpTo(id)
    this.#deliver(id, textFrame(frame), () => JSON.parse(frame) as FeedChat)
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

  /** Judges every member again by the room as it is now. */
  readonly refresh: () => Promise<void>

  /** Resolves when the members have been judged by this version of the rights or a newer one. */
  async reach(rights: number): Promise<void> {
    for (let reading = 0; this.rights < rights && !this.deleted; reading += 1) {
      if (reading === READINGS_MAX) throw new Error(`Version ${rights} of the rights of ${this.uri} cannot be read.`)
      await this.refresh()
    }
  }

  /** Asks the database whether the members were judged by the newest rights, and judges them again if not. */
  readonly confirmRights: () => Promise<void>

  /**
   * Takes a session in that has the chats up to `has` and is given those after `at`: what is missing up to live talk, then
   * live talk. Of what lies between it is told that it is gone, so that it does not wait for it.
   */
  admit(session: Session, { has, at, standing }: { has: number; at: number; standing: Standing }): Member {
    if (has < at) session.deliver(this.#goneFrame(has + 1, at))
    const mayPost = this.decide('post', standing).allowed
    const live = at >= this.delivered
    const member: Member = { session, hub: this, at, live, liveAfter: at, standing, mayPost, held: [] }
    this.members.set(session, member)
    if (!member.live) void this.#bringUp(member)
    return member
  }

  /**
   * Writes a notice (not a chat) to every member, once they have been judged by `rights`: somebody who is to be put out does
   * not hear who comes after. Notices keep their order. One that has to wait while the database is away is dropped.
   */
  notify(text: string, rights: number): void {
    const frame = textFrame(text)
    if (this.#notices === 0 && rights <= this.rights && this.#reads.standing()) return this.#tellAll(frame)
    if (this.#notices === NOTICES_WAITING_MAX) return
    this.#notices += 1
    this.#noticing = this.#noticing
      .then(() => (this.#reads.standing() ? this.reach(rights) : this.confirmRights().then(() => this.reach(rights))))
      .then(
        () => this.#tellAll(frame),
        () => {},
      )
      .finally(() => {
        this.#notices -= 1
      })
  }

  #tellAll(frame: Buffer): void {
    for (const session of this.members.keys()) session.deliver(frame)
  }

  /**
   * Tells what was replaced or purged, up to this edit: to nobody before the chat itself, nor to somebody who is to be put out.
   * What it says is read in the database, so a hint that was lost is made good by the next, or by comparing.
   */
  async tellEdits(edit: number): Promise<void> {
    if (edit <= this.edits || this.deleted) return
    await this.#readEdits()
    this.edits = Math.max(this.edits, edit)
  }

  async #tellOfEdits(): Promise<void> {
    for (;;) {
      const { chats, through } = await this.#reads.chatsEdited(this.edits)
      if (chats.length === 0) return
      const newest = chats.reduce((id, { chatId }) => Math.max(id, chatId), 0)
      this.catchUpTo(newest)
      await this.confirmRights()
      while (this.#filling) await this.#filling
      if (this.delivered < newest) throw new Error(`Chats up to ${newest} of ${this.uri} cannot be read.`)
      this.edits = through
      const frames = chats.map((chat) => this.#editFrame(chat))
      for (const member of this.members.values()) {
        for (const frame of frames) {
          if (member.live) member.session.deliver(frame)
          else member.held.push(frame)
        }
      }
    }
  }

  #editFrame({ chatId, state, text, title }: Chat): Buffer {
    const stands = state === 'purged' ? {} : { text, title }
    return textFrame(chatChangedFrame({ room: this.uri, chat: chatId, ...stands }))
  }

  #deliver(id: number, frame: Buffer | undefined, read: () => FeedChat): void {
    const lastGone = frame ? id - 1 : id
    const gone = lastGone > this.delivered ? this.#goneFrame(this.delivered + 1, lastGone) : undefined
    this.delivered = id
    for (const member of this.members.values()) {
      if (!member.live || member.at >= id) continue
      member.at = id
      if (gone) member.session.deliver(gone)
      if (frame) member.session.deliver(frame)
    }
    if (!frame) return
    // After the chat itself, and to those who were handed it here: whoever catches up is told when they get there.
    this.#feeds.tellMatching(this, { read, bytes: frame.length }, (session, feeds) => {
      const member = this.members.get(session)
      if (member?.live && member.liveAfter < id) this.#tellMatch(session, id, feeds)
    })
  }

  #tellMatch(session: Session, chat: number, feeds: readonly string[]): void {
    for (const feed of feeds) session.deliver(textFrame(feedMatch({ feed, room: this.uri, chat })))
  }

  async #fill(): Promise<void> {
    while (this.delivered < this.#wanted) {
      const chats = await this.#reads.chatsAfter(this.delivered, PAGE)
      if (chats.length === 0) throw new Error(`Chats after ${this.delivered} of ${this.uri} cannot be read.`)
      await this.confirmRights()
      for (const chat of chats) {
        if (chat.chatId > this.delivered) this.#deliver(chat.chatId, this.#frameOf(chat), () => feedChat(chat))
      }
    }
  }

  async #bringUp(member: Member): Promise<void> {
    const { session } = member
    const present = () => !session.closed && this.members.get(session) === member
    /** every chat up to here was handed out, or said to be gone */
    let told = member.at
    const tellGone = (through: number) => told >= through || session.deliver(this.#goneFrame(told + 1, through))
    try {
      while (member.at < this.delivered && present()) {
        const chats = await this.#reads.chatsAfter(member.at, PAGE)
        if (chats.length === 0)
          throw new Error(`Chats ${member.at + 1} to ${this.delivered} of ${this.uri} cannot be read.`)
        await this.confirmRights()
        if (!present()) return
        // All of the page in one go: what was confirmed holds for now.
        const handed: Chat[] = []
        for (const chat of chats) {
          // Live talk is told in its own turn: what was read beyond it here would arrive twice.
          if (chat.chatId > this.delivered) break
          member.at = chat.chatId
          // What was said while the room kept no history is for nobody who comes in later.
          const hidden = chat.unlogged && this.access.rules.category.chatHistory
          const frame = hidden ? undefined : this.#frameOf(chat)
          if (!frame) continue
          if (!tellGone(chat.chatId - 1) || !session.deliver(frame)) return
          told = chat.chatId
          handed.push(chat)
        }
        for (const chat of handed) {
          const matching = this.#feeds.matchingFor(session, () => feedChat(chat))
          if (!matching) break
          const feeds = await matching
          if (!present()) return
          this.#tellMatch(session, chat.chatId, feeds)
        }
        await drained(session)
      }
      tellGone(member.at)
      member.liveAfter = member.at
      member.live = true
      for (const frame of member.held.splice(0)) if (present()) session.deliver(frame)
    } catch {
      // The database is away. The client comes back and asks again from what it has.
      session.cutOff()
    }
  }

  /** Said in the place of chats that are gone or not for this client, so that it can tell them from chats that it missed. */
  #goneFrame(from: number, through: number): Buffer {
    const gone: ServerMessageOf<'chats-purged'> = { t: 'chats-purged', room: this.uri, from, through }
    return textFrame(JSON.stringify(gone))
  }

  /** Undefined for a purged chat. */
  #frameOf(chat: Chat): Buffer | undefined {
    if (chat.state === 'purged') return undefined
    const { chatId, postedAt, author, text, alert, title, state } = chat
    const replaced = state === 'replaced'
    return textFrame(
      chatFrame({ room: this.uri, chat: chatId, at: postedAt, from: author, text, alert, title, replaced }),
    )
  }
}

function feedMatch(match: { feed: string; room: string; chat: number }): string {
  return JSON.stringify({ t: 'feed-match', ...match } satisfies ServerMessageOf<'feed-match'>)
}

const feedChat = ({ author, text, title }: Chat): FeedChat => ({ from: author, text, title })

const PAGE = 200
const READINGS_MAX = 5
const NOTICES_WAITING_MAX = 1_000
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
