import type { SignInOutcome } from '@hansard/rooms'
import type { Actor } from '../record/number-facts.ts'

/** What is to be recorded of a sign-in, or of what became of it. */
export type SignInEvent = {
  readonly outcome: SignInOutcome
  /** as it was typed, or the name of the account that a session is of */
  readonly account: string
  /** who it was, if they proved it */
  readonly principal?: (Actor & { readonly credentialVersion: number }) | undefined
  /** whose account it is, if nobody proved anything */
  readonly principalId?: number | undefined
  readonly remote?: string | undefined
  /** hash of a known device */
  readonly device?: string | undefined
  /** what was refused, or done */
  readonly detail?: string | undefined
  /** the session that begins or ends */
  readonly session?: { readonly id: string; readonly expiresAt: number } | undefined
  /** the channel service that the client is sent to */
  readonly assignedTo?: string | undefined
}

/** The same with its row for operators. `count`: so many equal ones. */
export type SignInToRecord = {
  readonly event: SignInEvent
  readonly row: Omit<SignInEventRow, 'id' | 'count'>
  count: number
}

/** A row of `sign_in_event`. */
export type SignInEventRow = {
  id: number
  at: number
  service: string
  outcome: SignInOutcome
  account: string
  principal_id: number | null
  remote: string
  device: string
  detail: string
  count: number
}
