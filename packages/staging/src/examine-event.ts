import { type ComplianceEvent, decodeEvent, type EnvelopeEvent, leafOf, nextHead } from '@hansard/compliance-event'

/** The state of a source's chain before the event: its name, its predecessor's head and the last stamp. */
type ChainPosition = {
  readonly source: string
  readonly epoch: number
  readonly incarnation: string
  readonly head: string
  readonly lastStamp: number
}

type Examined =
  | { readonly fit: true; readonly event: ComplianceEvent; readonly leaf: string }
  | { readonly fit: false; readonly reason: string; readonly leaf: string; readonly chainHolds: boolean }

/**
 * Whether this text may be staged under this number.
 *
 * The chain is checked first: the head that came with the event must follow from its predecessor's head and exactly
 * these bytes. If it does not, either the text was altered on the way or the record itself was, and nothing in the
 * text can be trusted. After that, the text must be an event that this version understands, and agree with its
 * envelope.
 */
export function examineEvent(position: ChainPosition, arrived: EnvelopeEvent): Examined {
  const leaf = leafOf(arrived.body)
  if (nextHead(position.head, leaf) !== arrived.head) {
    return { fit: false, leaf, chainHolds: false, reason: 'its bytes do not continue the chain of its source' }
  }
  const unfit = (reason: string): Examined => ({ fit: false, leaf, chainHolds: true, reason })
  // The record series has one text a line. JSON needs no raw line break: within a string it is escaped.
  if (/[\n\r]/.test(arrived.body)) return unfit('its text contains a line break')
  let event: ComplianceEvent
  try {
    event = decodeEvent(arrived.body)
  } catch (error) {
    return unfit(`it cannot be read: ${(error as Error).message}`)
  }
  const own = event.source === position.source && event.epoch === position.epoch && event.seq === arrived.seq
  if (own && (event.incarnation ?? '') !== position.incarnation) {
    return unfit(`its incarnation is ${event.incarnation ?? 'missing'}`)
  }
  if (!own) {
    return unfit(`it calls itself ${event.source}/${event.epoch}/${event.seq}`)
  }
  if (event.at !== arrived.at) return unfit(`it is stamped ${event.at}, its envelope says ${arrived.at}`)
  if (event.at < position.lastStamp) {
    return unfit(`it is stamped ${position.lastStamp - event.at} ms before its predecessor`)
  }
  if (!isStorable(event.room.uri) || ('session' in event && !isStorable(event.session))) {
    return unfit('its room or session has a name that no database can hold')
  }
  return { fit: true, event, leaf }
}

// PostgreSQL refuses U+0000 in a text, and UTF-8 has no half surrogate pairs.
function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\0')
}
