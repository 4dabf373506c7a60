import type { Chat, RoomAccess } from '@hansard/pool-store'
import type { LiveFeeds } from '../attention/live-feeds.ts'
import type { Session } from '../delivery/session.ts'
import type { Member, Recipient } from './membership.ts'
import { feedChat, feedMatchFrames, frameOfChat, goneFrame } from './room-frames.ts'
import type { RoomReads } from './room-reads.ts'

/** The room, as far as catching up depends on it. */
type Room = {
  readonly uri: string
  readonly access: RoomAccess
  readonly members: ReadonlyMap<Session, Member>
  /** every chat up to this id has been delivered on this service */
  readonly delivered: number
  confirmRights(): Promise<void>
}

/**
 * Sends one member the chats after `member.at`, in order, up to the room's live delivery, and then makes it live. The
 * client is told which ids are gone, so that it does not wait for them.
 */
export async function catchUp(
  room: Room,
  session: Session,
  { reads, feeds }: { reads: RoomReads; feeds: LiveFeeds },
): Promise<void> {
  const member = room.members.get(session)!
  const present = () => !session.closed && room.members.get(session) === member
  /** every chat up to here was delivered, or reported as gone */
  let told = member.at
  const tellGone = (through: number) => told >= through || session.deliver(goneFrame(room.uri, told + 1, through))
  try {
    while (member.at < room.delivered && present()) {
      const chats = await reads.chatsAfter(member.at, PAGE)
      if (chats.length === 0)
        throw new Error(`Chats ${member.at + 1} to ${room.delivered} of ${room.uri} cannot be read.`)
      await room.confirmRights()
      if (!present()) return
      // Send the whole page without yielding: the rights that were just confirmed apply to it.
      const delivered: Chat[] = []
      for (const chat of chats) {
        // Leave chats beyond live delivery to it; read here too, they would arrive twice.
        if (chat.chatId > room.delivered) break
        member.at = chat.chatId
        // A chat posted while the room kept no history is not shown to anybody who joins later.
        const hidden = chat.unlogged && room.access.rules.category.chatHistory
        const frame = hidden ? undefined : frameOfChat(room.uri, chat)
        if (!frame) continue
        if (!tellGone(chat.chatId - 1) || !session.deliver(frame)) return
        told = chat.chatId
        delivered.push(chat)
      }
      for (const chat of delivered) {
        const matching = feeds.matchingFor(session, () => feedChat(chat))
        if (!matching) break
        const names = await matching
        if (!present()) return
        for (const match of feedMatchFrames(room.uri, chat.chatId, names)) session.deliver(match)
      }
      await drained(session)
    }
    tellGone(member.at)
    member.liveAfter = member.at
    member.live = true
    for (const frame of member.held.splice(0)) if (present()) session.deliver(frame)
  } catch {
    // The database is down. The client reconnects and requests what it is missing.
    session.cutOff()
  }
}

/** Waits until a socket has sent most of what it holds, so that a long absence does not fill the memory at once. */
function drained({ closed, socket }: Recipient): Promise<void> {
  if (closed || socket.writableLength < RESUME_BELOW_BYTES) return Promise.resolve()
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

const PAGE = 200
const RESUME_BELOW_BYTES = 256 * 1_024
