import type { ClientMessage, ClientMessageOf } from '@hansard/wire'
import type { Session } from '../delivery/session.ts'
import { partRoom } from '../departures/part-room.ts'
import type { ChannelServiceDeps } from '../deps.ts'
import { changePassword } from './change-password.ts'
import { changeRoles } from './change-roles.ts'
import { changeRoom } from './change-room.ts'
import { clearRoom } from './clear-room.ts'
import { createRoom } from './create-room.ts'
import { deleteChat } from './delete-chat.ts'
import { deleteFeed } from './delete-feed.ts'
import { deleteRoom } from './delete-room.ts'
import { disableRoom } from './disable-room.ts'
import { enableRoom } from './enable-room.ts'
import { followRoom } from './follow-room.ts'
import { getPreference } from './get-preference.ts'
import { issueDownloadToken } from './issue-download-token.ts'
import { issueUploadToken } from './issue-upload-token.ts'
import { joinRoom } from './join-room.ts'
import { listAddIns } from './list-add-ins.ts'
import { listCategories } from './list-categories.ts'
import { listEligible } from './list-eligible.ts'
import { listFeeds } from './list-feeds.ts'
import { listFollowed } from './list-followed.ts'
import { listInvitations } from './list-invitations.ts'
import { listRooms } from './list-rooms.ts'
import { listRoster } from './list-roster.ts'
import { markRead } from './mark-read.ts'
import { openFeed } from './open-feed.ts'
import { openHistory } from './open-history.ts'
import { postChat } from './post-chat.ts'
import { purgeChats } from './purge-chats.ts'
import { putFeed } from './put-feed.ts'
import { putPreference } from './put-preference.ts'
import { replaceChat } from './replace-chat.ts'
import { searchHistory } from './search-history.ts'
import { showRoom } from './show-room.ts'
import { renewSession, signInSession } from './sign-in.ts'
import { signOut } from './sign-out.ts'
import { unfollowRoom } from './unfollow-room.ts'
import { unwatchRoom } from './unwatch-room.ts'
import { watchRoom } from './watch-room.ts'

/** Answers one kind of message. If it rejects, the client is answered `try-again`. */
export type Handler<T extends ClientMessage['t']> = (
  deps: ChannelServiceDeps,
  session: Session,
  message: ClientMessageOf<T>,
) => Promise<void> | void

/** The handlers: one line per message of the protocol. */
export const HANDLERS: { readonly [T in ClientMessage['t']]: Handler<T> } = {
  'sign-in': signInSession,
  renew: renewSession,
  'change-password': changePassword,
  'sign-out': signOut,
  ping: (_, session, { id }) => session.send({ t: 'pong', re: id }),

  join: joinRoom,
  part: partRoom,
  post: postChat,
  'replace-chat': replaceChat,
  'delete-chat': deleteChat,
  history: openHistory,
  search: searchHistory,
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

  follow: followRoom,
  unfollow: unfollowRoom,
  followed: listFollowed,
  'mark-read': markRead,
  watch: watchRoom,
  unwatch: unwatchRoom,
  feeds: listFeeds,
  'put-feed': putFeed,
  'delete-feed': deleteFeed,
  'open-feed': openFeed,
  invitations: listInvitations,
  preference: getPreference,
  'put-preference': putPreference,
  'upload-token': issueUploadToken,
  'download-token': issueDownloadToken,
}
