import type { RoomRules } from './room.ts'
import type { Standing } from './standing.ts'

/**
 * Who may do what.
 *
 * A category draws the outer boundary, the ethical wall, and a room the inner one; the outer always wins. These
 * functions are pure, so every door (WebSocket, HTTP, files, command line) gives the same answer to the same question.
 * A refusal is a value with a stable name, not an exception.
 *
 * The danger is an answer that tells somebody outside that a room exists. So whoever may not see a room is refused with
 * `no-such-room`, whatever was asked, and every door answers that in the words it has for a room that never was.
 */
export type Decision = { readonly allowed: true } | { readonly allowed: false; readonly reason: Refusal }

/** Stable names: they are shown to users and stored in audit records. */
export const ACCESS_REFUSALS = [
  'no-such-room',
  'room-disabled',
  'not-a-member',
  'not-a-presenter',
  'not-a-manager',
  'not-a-creator',
  'not-an-administrator',
  'history-off',
  'file-upload-off',
] as const
export type Refusal = (typeof ACCESS_REFUSALS)[number]

/** What may be done in or to a room. */
export const ROOM_OPERATIONS = [
  'see',
  'join',
  'post',
  'read-history',
  'search-history',
  'see-roster',
  'upload-file',
  'download-file',
  'replace-chat',
  'delete-chat',
  'see-roles',
  'change-room',
  'change-roles',
  'disable-room',
  'enable-room',
  'move-room',
  'delete-room',
  'clear-room',
  'purge-chats',
] as const
export type RoomOperation = (typeof ROOM_OPERATIONS)[number]

/** Settings of the pool that bear on access. */
export type AccessSettings = {
  /** room managers may replace and delete chats of their rooms, which otherwise only administrators may */
  readonly managersMayEditChats: boolean
}

export const ALLOWED: Decision = { allowed: true }

export function refuse(reason: Refusal): Decision {
  return { allowed: false, reason }
}

/** Whether somebody may do something to a room. For `move-room` also ask `mayCreateRoom` of the target category. */
export function decide(
  operation: RoomOperation,
  room: RoomRules,
  standing: Standing,
  settings: AccessSettings,
): Decision {
  switch (operation) {
    case 'see':
      return maySee(room, standing) ? ALLOWED : refuse('no-such-room')
    case 'join':
    case 'see-roster':
    case 'download-file':
      return mayJoin(room, standing)
    case 'read-history':
    case 'search-history':
      return andThen(mayJoin(room, standing), () => (room.category.chatHistory ? ALLOWED : refuse('history-off')))
    case 'post':
      return mayPost(room, standing)
    case 'upload-file':
      return andThen(mayPost(room, standing), () => (room.category.fileUpload ? ALLOWED : refuse('file-upload-off')))
    case 'replace-chat':
    case 'delete-chat':
      return settings.managersMayEditChats ? mayManage(room, standing) : administrators(room, standing)
    case 'see-roles':
      return maySeeRoles(room, standing)
    case 'change-room':
    case 'change-roles':
    case 'disable-room':
    case 'move-room':
      return mayManage(room, standing)
    case 'enable-room':
    case 'delete-room':
    case 'clear-room':
    case 'purge-chats':
      return administrators(room, standing)
  }
}

/** Whether somebody may make rooms in a category, or move rooms there. */
export function mayCreateRoom(standing: Pick<Standing, 'inScope' | 'creator' | 'administrator'>): Decision {
  if (standing.administrator) return ALLOWED
  return standing.inScope && standing.creator ? ALLOWED : refuse('not-a-creator')
}

/**
 * Whether somebody may know which category a room belongs to: whoever manages the room, and whoever may make rooms in that
 * category and sees this one. What a category is called may tell what it is for.
 */
export function mayKnowCategory(room: RoomRules, standing: Standing): boolean {
  return maySeeRoles(room, standing).allowed || (maySee(room, standing) && mayCreateRoom(standing).allowed)
}

/** What a participant finds in a search, by a link or by its name. An administrator's door shows all rooms besides. */
function maySee(room: RoomRules, standing: Standing): boolean {
  if (standing.administrator) return true
  if (!standing.inScope) return false
  if (standing.roles.has('manager')) return true
  if (room.disabled) return false
  return room.privacy !== 'secret' || standing.roles.has('member')
}

/** Being an administrator opens no room: who wants to listen is made a member, and that is on record. */
function mayJoin(room: RoomRules, standing: Standing): Decision {
  const known = maySee(room, standing)
  if (!standing.inScope) return refuse(known ? 'not-a-member' : 'no-such-room')
  const invited = room.privacy === 'open' || standing.roles.has('member')
  if (!invited) return refuse(known ? 'not-a-member' : 'no-such-room')
  if (!room.disabled) return ALLOWED
  return refuse(known || standing.roles.has('member') ? 'room-disabled' : 'no-such-room')
}

function mayPost(room: RoomRules, standing: Standing): Decision {
  return andThen(mayJoin(room, standing), () =>
    room.type === 'normal' || standing.roles.has('presenter') ? ALLOWED : refuse('not-a-presenter'),
  )
}

/** Also of a disabled room, which its managers see and cannot change. */
function maySeeRoles(room: RoomRules, standing: Standing): Decision {
  if (!maySee(room, standing)) return refuse('no-such-room')
  return standing.administrator || standing.roles.has('manager') ? ALLOWED : refuse('not-a-manager')
}

function mayManage(room: RoomRules, standing: Standing): Decision {
  if (standing.administrator) return ALLOWED
  if (!maySee(room, standing)) return hidden(room, standing)
  if (!standing.roles.has('manager')) return refuse('not-a-manager')
  return room.disabled ? refuse('room-disabled') : ALLOWED
}

function administrators(room: RoomRules, standing: Standing): Decision {
  if (standing.administrator) return ALLOWED
  return maySee(room, standing) ? refuse('not-an-administrator') : hidden(room, standing)
}

/** A member of a disabled room knows that it exists; everybody else who may not see a room knows nothing. */
function hidden(room: RoomRules, standing: Standing): Decision {
  return refuse(room.disabled && standing.inScope && standing.roles.has('member') ? 'room-disabled' : 'no-such-room')
}

function andThen(decision: Decision, next: () => Decision): Decision {
  return decision.allowed ? next() : decision
}
