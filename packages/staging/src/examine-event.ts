import { type ComplianceEvent, decodeEvent, type EnvelopeEvent, leafOf, nextHead } from '@hansard/compliance-event'

/** Where a source's chain stands before the event: its name, the head of its predecessor and the last stamp. */
type ChainPosition = {
  readonly source: string
  readonly epoch: number
  readonly head: string
  readonly lastStamp: number
}

type Examined =
  | { readonly fit: true; readonly event: ComplianceEvent; readonly leaf: string }
  | { readonly fit: false; readonly reason: string; readonly leaf: string; readonly chainHolds: boolean }

/**
 * May this text be staged under this number?
 *
 * The chain is asked first: the head that came with the event must follow from its predecessor's head and these very
 * bytes. If it does not, either the text was altered on the way or the record itself was, and nothing the text says
 * can be believed. Then it must be an event this version understands, and say the same of itself as its envelope.
 */
export function examineEvent(position: ChainPosition, arrived: EnvelopeEvent): Examined {
  const leaf = leafOf(arrived.body)
  if (nextHead(position.head, leaf) !== arrived.head) {
    return { fit: false, leaf, chainHolds: false, reason: 'its bytes do not continue the chain of its source' }
  }
  const unfit = (reason: string): Examined => ({ fit: false, leaf, chainHolds: true, reason })
  let event: ComplianceEvent
  try {
    event = decodeEvent(arrived.body)
  } catch (error) {
    return unfit(`it cannot be read: ${(error as Error).message}`)
  }
  if (event.source !== position.source || event.epoch !== position.epoch || event.seq !== arrived.seq) {
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
