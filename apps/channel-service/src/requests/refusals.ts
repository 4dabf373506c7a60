import type { RecordError } from '@hansard/pool-store'
import type { Refusal as AccessRefusal } from '@hansard/rooms'
import type { Session } from '../delivery/session.ts'

/** Answers that the fact could not be recorded now. The client may repeat it under the same name without harm. */
export function refuseUnrecorded(session: Session, re: number, error: RecordError): void {
  session.refuse(re, 'try-again', `${error.message} Nothing is lost: repeat it in a moment.`)
}

/** Answers that the database could not be queried. */
export function refuseUnreachable(session: Session, re: number): void {
  session.refuse(re, 'try-again', 'The pool database cannot be reached just now. Repeat it in a moment.')
}

/** Answers that the room's rights change faster than the request can be decided. */
export function refuseUnsettled(session: Session, re: number): void {
  session.refuse(re, 'try-again', 'The rights of this room are changing just now. Repeat it in a moment.')
}

/** Answers with a refusal of the access rules, in the same words for every request. */
export function refuseByRule(session: Session, re: number, reason: AccessRefusal): void {
  session.refuse(re, reason, WORDS[reason])
}

const WORDS: Readonly<Record<AccessRefusal, string>> = {
  'no-such-room': 'There is no such room, or it is not open to you.',
  'room-disabled': 'This room is disabled.',
  'not-a-member': 'You are not a member of this room.',
  'not-a-presenter': 'Only its presenters post in this room.',
  'not-a-manager': 'Only its managers and administrators may do this to the room.',
  'not-a-creator': 'You may not create rooms in this category.',
  'not-an-administrator': 'Only an administrator may do this.',
  'history-off': 'This room keeps no history.',
  'file-upload-off': 'Files may not be uploaded to this room.',
}
