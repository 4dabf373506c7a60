import type { RecordError } from '@hansard/pool-store'
import type { Session } from './session.ts'

/** Tells a client that its fact could not be recorded just now. It may repeat it, under the same name, without harm. */
export function refuseUnrecorded(session: Session, re: number, error: RecordError): void {
  session.refuse(re, 'try-again', `${error.message} Nothing is lost: repeat it in a moment.`)
}

/** Tells a client that the database could not be asked. */
export function refuseUnreachable(session: Session, re: number): void {
  session.refuse(re, 'try-again', 'The pool database cannot be reached just now. Repeat it in a moment.')
}
