import type { RoomRules } from './room.ts'
import type { Standing } from './standing.ts'

/**
 * Decides who may do what.
 *
 * A category draws the outer boundary, the ethical wall; a room draws the inner one. The outer boundary always wins.
 * These functions are pure, so every entry point (WebSocket, HTTP, files, command line) gives the same answer to the
 * same question. A refusal is a value with a stable name, not an exception.
 *
 * The danger is an answer that reveals to an outsider that a room exists. A caller who may not see a room is
 * therefore refused with `no-such-room`, whatever they asked, and every entry point gives the same reply as for a
 * room that does not exist.
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

/** Operations in or on a room. */
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

/** Settings of the pool that affect access. */
export type AccessSettings = {
  /** Room managers may replace and delete chats of their rooms. Otherwise only administrators may. */
  readonly managersMayEditChats: boolean
}

export const ALLOWED: Decision = { allowed: true }

export function refuse(reason: Refusal): Decision {
  return { allowed: false, reason }
}

/**
 * Decides whether a principal may perform an operation. For `move-room` also ask `mayCreateRoom` of the target
 * category.
 */
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

/** Decides whether a principal may create rooms in a category, or move rooms there. */
export function mayCreateRoom(standing: Pick<Standing, 'inScope' | 'creator' | 'administrator'>): Decision {
  if (standing.administrator) return ALLOWED
  return standing.inScope && standing.creator ? ALLOWED : refuse('not-a-creator')
}

/**
 * Decides whether a principal may know a room's category: its managers may, and those who see the room and may create
 * rooms in that category. A category's name may reveal its purpose.
 */
export function mayKnowCategory(room: RoomRules, standing: Standing): boolean {
  return maySeeRoles(room, standing).allowed || (maySee(room, standing) && mayCreateRoom(standing).allowed)
}

/**
 * The rooms a participant finds in a search, by a link or by name. Administrators see all rooms through the admin
 * API.
 */
function maySee(room: RoomRules, standing: Standing): boolean {
  if (standing.administrator) return true
  if (!standing.inScope) return false
  if (standing.roles.has('manager')) return true
  if (room.disabled) return false
  return room.privacy !== 'secret' || standing.roles.has('member')
}

/**
 * The administrator role opens no room: an administrator who wants to read must be made a member, which is on record.
 */
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

/** Also for a disabled room: its managers see it and cannot change it. */
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

/** A member of a disabled room knows that it exists. Everybody else who may not see a room learns nothing. */
function hidden(room: RoomRules, standing: Standing): Decision {
  return refuse(room.disabled && standing.inScope && standing.roles.has('member') ? 'room-disabled' : 'no-such-room')
}

function andThen(decision: Decision, next: () => Decision): Decision {
  return decision.allowed ? next() : decision
}
