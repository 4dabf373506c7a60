import type { Refusal } from '@hansard/rooms'

/** Stable names of expected refusals. Those of the access rules have the same meaning as there. */
export type CommandRefusal =
  | Refusal
  | 'invalid'
  | 'duplicate-name'
  /** several rooms have the name */
  | 'ambiguous-name'
  | 'no-such-category'
  | 'no-such-principal'
  | 'no-such-chat'
  | 'no-such-group'
  | 'no-such-add-in'
  | 'no-such-policy'
  | 'no-such-endpoint'
  | 'not-in-scope'
  | 'presenter-not-a-member'
  | 'category-not-empty'
  | 'limit-exceeded'
  | 'too-long'
  | 'conflict'

export type Result<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly refusal: CommandRefusal; readonly message: string }

/** Thrown inside a change to refuse it: its transaction is rolled back, and the caller gets a `Result`. */
export class ChangeRefused extends Error {
  override name = 'ChangeRefused'
  readonly refusal: CommandRefusal
  constructor(refusal: CommandRefusal, message: string) {
    super(message)
    this.refusal = refusal
  }
}

/** The message for a room that the caller may not see, and for one that does not exist. */
export const NO_SUCH_ROOM = 'There is no such room, or it is not open to you.'

const REFUSAL_MESSAGES: Partial<Record<Refusal, string>> = {
  'no-such-room': NO_SUCH_ROOM,
  'room-disabled': 'The room is disabled. An administrator can enable it.',
  'not-a-member': 'Only members of the room may do this.',
  'not-a-presenter': 'In an auditorium only presenters may do this.',
  'not-a-manager': 'Only managers of the room may do this.',
  'not-a-creator': 'Only creators of the category may create rooms in it.',
  'not-an-administrator': 'Only administrators may do this.',
}

export function refuse(refusal: Refusal): ChangeRefused {
  return new ChangeRefused(refusal, REFUSAL_MESSAGES[refusal] ?? refusal)
}
