import { ComplianceEvent } from './event.ts'

/**
 * The canonical bytes of an event: JSON, members in the order the source wrote them.
 *
 * An event is encoded once, by the source that accepts it; from there on its *text* travels, is hashed
 * and is stored. Nobody re-encodes it, so nobody needs canonicalisation rules to check a hash.
 * `JSON.stringify` escapes lone surrogates and control characters, so the text is always valid UTF-8
 * and holds no U+0000, whatever a person typed: a database can keep it as it is.
 */
export function encodeEvent(event: ComplianceEvent): string {
  return JSON.stringify(event)
}

/** Parses and checks the text of an event. Throws `InvalidEvent` saying what is wrong with it. */
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

/** `source/epoch/seq`: an event's name in every table, log and manual. */
export function eventIdOf(event: { source: string; epoch: number; seq: number }): string {
  return `${event.source}/${event.epoch}/${event.seq}`
}

/** Needs a person: the text is not an event this version understands. It is kept whole, in quarantine. */
export class InvalidEvent extends Error {
  override name = 'InvalidEvent'
}
