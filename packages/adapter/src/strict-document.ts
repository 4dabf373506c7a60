import type { ComplianceEvent, EventKind } from '@hansard/compliance-event'
import type { AdapterOptions } from './adapter.ts'
import {
  channelAttributes,
  MESSAGE_TYPES,
  messageContent,
  messageId,
  type Profile,
  senderAttributes,
  timeSpan,
} from './document.ts'
import { timestampAttributes } from './timestamp.ts'
import { openXmlWriter, type XmlWriter } from './xml-writer.ts'

/**
 * The conversations document as the 2013 server wrote it: same names, nesting and casing, so that a stylesheet
 * written for it runs unchanged. Everything it has no place for is omitted and counted in the manifest: replaced and
 * purged chats, changes, event numbers, reasons, rosters.
 */
export const strictProfile: Profile = {
  name: 'strict-2013',
  includesKind: (kind) => STRICT_KINDS.has(kind),
  showsRosters: false,
  open(options) {
    const writer = openXmlWriter()
    let empty = true
    return {
      add({ room, events }) {
        if (empty) writer.open('Conversations', NAMESPACES)
        empty = false
        const { from, to } = timeSpan(events)
        writer.open('Conversation')
        writer.empty('Channel', channelAttributes(room, options))
        writeMessage(writer, 'FirstMessage', events[0]!, options)
        writer.open('Messages')
        for (const event of events) writeMessage(writer, 'Message', event, options)
        writer.close()
        writer.empty('StartTimeUTC', timestampAttributes(from))
        writer.empty('EndTimeUTC', timestampAttributes(to))
        writer.close()
      },
      finish() {
        if (empty) writer.empty('Conversations', NAMESPACES)
        else writer.close()
        return writer.finish()
      },
    }
  },
}

const STRICT_KINDS: ReadonlySet<EventKind> = new Set([
  'chat',
  'join',
  'part',
  'backchat',
  'file-upload',
  'file-download',
])

const NAMESPACES = [
  ['xmlns:xsi', 'http://www.w3.org/2001/XMLSchema-instance'],
  ['xmlns:xsd', 'http://www.w3.org/2001/XMLSchema'],
] as const

function writeMessage(writer: XmlWriter, element: string, event: ComplianceEvent, options: AdapterOptions): void {
  writer.openInline(element, [
    ['type', MESSAGE_TYPES[event.kind]],
    ['content', strictContent(event)],
    ['id', messageId(event)],
  ])
  writer.empty('Sender', senderAttributes(event.principal, options))
  writer.empty('DateTimeUTC', timestampAttributes(event.at))
  writer.close()
}

/**
 * The original stores a story as one text that begins with `[STORY]`; how it separates title and body is not
 * documented. Here the title ends at the first line break. The format has no place for alerts.
 */
function strictContent(event: ComplianceEvent): string {
  if (event.kind !== 'chat' || event.title === undefined) return messageContent(event)
  return `[STORY]${event.title}\n${event.content}`
}
