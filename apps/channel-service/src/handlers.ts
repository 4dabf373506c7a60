import type { ClientMessage, ClientMessageOf } from '@hansard/wire'
import { changeRoles } from './change-roles.ts'
import { changeRoom } from './change-room.ts'
import { clearRoom } from './clear-room.ts'
import { createRoom } from './create-room.ts'
import { deleteChat } from './delete-chat.ts'
import { deleteRoom } from './delete-room.ts'
import { disableRoom } from './disable-room.ts'
import { enableRoom } from './enable-room.ts'
import { joinRoom } from './join-room.ts'
import { listAddIns } from './list-add-ins.ts'
import { listCategories } from './list-categories.ts'
import { listEligible } from './list-eligible.ts'
import { listRooms } from './list-rooms.ts'
import { listRoster } from './list-roster.ts'
import { openHistory } from './open-history.ts'
import { partRoom } from './part-room.ts'
import { postChat } from './post-chat.ts'
import { purgeChats } from './purge-chats.ts'
import { replaceChat } from './replace-chat.ts'
import type { Session } from './session.ts'
import { showRoom } from './show-room.ts'
import { signInSession } from './sign-in.ts'
import type { ChannelServiceParts } from './use-case.ts'

/** Answers one kind of message. What it rejects with is told the client as `try-again`. */
export type Handler<T extends ClientMessage['t']> = (
  parts: ChannelServiceParts,
  session: Session,
  message: ClientMessageOf<T>,
) => Promise<void> | void

/** Who answers what: one line per message of the protocol. */
export const HANDLERS: { readonly [T in ClientMessage['t']]: Handler<T> } = {
  'sign-in': signInSession,
  ping: (_, session, { id }) => session.send({ t: 'pong', re: id }),

  join: joinRoom,
  part: partRoom,
  post: postChat,
  'replace-chat': replaceChat,
  'delete-chat': deleteChat,
  history: openHistory,
  search: notYet,
  roster: listRoster,

  rooms: listRooms,
  room: showRoom,
  categories: listCategories,
  'add-ins': listAddIns,
  'create-room': createRoom,
  'change-room': changeRoom,
  'change-roles': changeRoles,
  'disable-room': disableRoom,
  'enable-room': enableRoom,
  'delete-room': deleteRoom,
  'clear-room': clearRoom,
  'purge-chats': purgeChats,
  eligible: listEligible,

  follow: notYet,
  unfollow: notYet,
  followed: notYet,
  'mark-read': notYet,
  watch: notYet,
  unwatch: notYet,
  feeds: notYet,
  'put-feed': notYet,
  'delete-feed': notYet,
  'open-feed': notYet,
  invitations: notYet,
  preference: notYet,
  'put-preference': notYet,
  'upload-token': notYet,
  'download-token': notYet,
}

/** A message that this version of the service has no answer to. */
function notYet(_: ChannelServiceParts, session: Session, { id, t }: ClientMessage): void {
  session.refuse(id, 'unknown-message', `This service has no answer to "${t}".`)
}
