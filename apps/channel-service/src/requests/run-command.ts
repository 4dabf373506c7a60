import type { CommandRefusal, Result } from '@hansard/pool-commands'
import { REFUSALS, type ServerMessage, type WireRefusal } from '@hansard/wire'
import type { Session } from '../delivery/session.ts'

/** Answers a client with the result of a change: `done` once it is on record, or the refusal. */
export async function runCommand<T>(
  session: Session,
  id: number,
  command: Promise<Result<T>>,
  done: (value: T) => ServerMessage,
): Promise<void> {
  const result = await command
  if (result.ok) return session.send(done(result.value))
  session.refuse(id, told(result.refusal), result.message)
}

const KNOWN: ReadonlySet<string> = new Set(REFUSALS)

/** Refusals of changes that this protocol has no message for are not among its codes. */
function told(refusal: CommandRefusal): WireRefusal {
  return KNOWN.has(refusal) ? (refusal as WireRefusal) : 'invalid'
}
