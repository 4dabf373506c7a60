import { ComplianceEvent } from './event.ts'

/**
 * The canonical bytes of an event: JSON, members in the order the source wrote them.
 *
 * The source that accepts an event encodes it once. From then on its *text* travels, is hashed and is stored. Nobody
 * re-encodes it, so checking a hash needs no canonicalisation rules. `JSON.stringify` escapes lone surrogates and
 * control characters, so the text is always valid UTF-8 without U+0000, whatever a user typed, and any database can
 * store it unchanged.
 */
export function encodeEvent(event: ComplianceEvent): string {
  return JSON.stringify(event)
}

/** Parses and checks the text of an event. Throws `InvalidEvent`, which says what is wrong. */
export function decodeEvent(body: string): ComplianceEvent {
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch (error) {
    throw new InvalidEvent(`not JSON: ${(error as Error).message}`)
  }
  const result = ComplianceEvent.safeParse(value)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  throw new InvalidEvent(`${issue?.path.join('.') || 'event'}: ${issue?.message ?? 'unknown'}`)
}

/** `source/epoch/seq`: an event's id in tables, logs and manuals. */
export function eventIdOf(event: { source: string; epoch: number; seq: number }): string {
  return `${event.source}/${event.epoch}/${event.seq}`
}

/** Needs a person: this version does not understand the text. The event stays whole in quarantine. */
export class InvalidEvent extends Error {
  override name = 'InvalidEvent'
}
