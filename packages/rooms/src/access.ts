import type { Room } from './room.ts'

/**
 * Who may do what in a room.
 *
 * These functions are pure, so every door (WebSocket, HTTP, command line) gives the same answer to the
 * same question. A refusal is a value with a stable name, not an exception.
 */
export type Decision = { readonly allowed: true } | { readonly allowed: false; readonly reason: Refusal }

/** Stable names: they are shown to users and stored in audit records. */
export type Refusal = 'room-disabled' | 'not-a-member'

export const ALLOWED: Decision = { allowed: true }

export function refuse(reason: Refusal): Decision {
  return { allowed: false, reason }
}

export function mayJoin(room: Room, isMember: boolean): Decision {
  if (room.disabled) return refuse('room-disabled')
  if (room.privacy === 'open') return ALLOWED
  return isMember ? ALLOWED : refuse('not-a-member')
}
