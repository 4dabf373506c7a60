import type { ChangeValue, ComplianceEvent, EventOf } from '@hansard/compliance-event'
import type { RosterEntry } from '@hansard/conversation'
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
import { exactly } from './exact-attribute.ts'
import { isoText, timestampAttributes } from './timestamp.ts'
import { type Attributes, openXmlWriter, type XmlWriter } from './xml-writer.ts'

/** The name contains the version: documents of this namespace never change their meaning. */
export const EXTENDED_NAMESPACE = 'urn:hansard:conversations:extended-1'

/**
 * Everything the strict document says, in a namespace of its own, plus what the strict one has no place for: every
 * kind of event, its source and number (`source`, `epoch`, `seq`), its place in the room (`roomSeq`), why a
 * participant left, what was changed, whose chats were replaced or purged, and who was in each room when the interval
 * began and ended.
 *
 * If a text holds characters that XML cannot carry, the attribute shows symbols for them, and a second attribute with
 * the suffix `Json` holds the exact text as an ASCII JSON string.
 */
export const extendedProfile: Profile = {
  name: 'extended-1',
  includesKind: () => true,
  showsRosters: true,
  open(options, { kind, number, interval }) {
    const writer = openXmlWriter()
    const root: Attributes = [
      ['xmlns', EXTENDED_NAMESPACE],
      ['kind', kind],
      ['number', number],
      ['start', isoText(interval.startsAt)],
      ['end', isoText(interval.endsAt)],
    ]
    let empty = true
    return {
      add({ room, events, slice, last, rosterAtStart, rosterAtEnd }) {
        if (empty) writer.open('Conversations', root)
        empty = false
        writer.open('Conversation', [
          ['slice', slice],
          ['last', last],
        ])
        writer.empty('Channel', channelAttributes(room, options))
        if (slice === 1) writeRoster(writer, 'RosterAtStart', rosterAtStart, options)
        if (events.length === 0) {
          writer.empty('Messages')
        } else {
          writeMessage(writer, 'FirstMessage', events[0]!, room.name, options)
          writer.open('Messages')
          for (const event of events) writeMessage(writer, 'Message', event, room.name, options)
          writer.close()
        }
        if (last) writeRoster(writer, 'RosterAtEnd', rosterAtEnd, options)
        if (events.length > 0) {
          const { from, to } = timeSpan(events)
          writer.empty('StartTimeUTC', timestampAttributes(from))
          writer.empty('EndTimeUTC', timestampAttributes(to))
        }
        writer.close()
      },
      finish() {
        if (empty) writer.empty('Conversations', root)
        else writer.close()
        return writer.finish()
      },
    }
  },
}

function writeMessage(
  writer: XmlWriter,
  element: string,
  event: ComplianceEvent,
  roomName: string,
  options: AdapterOptions,
): void {
  writer.openInline(element, [
    ['type', MESSAGE_TYPES[event.kind]],
    ...exactly('content', messageContent(event)),
    ['id', messageId(event)],
    ['source', event.source],
    ['epoch', event.epoch],
    ['seq', event.seq],
    ['roomSeq', event.room.seq],
    ['roomName', event.room.name === roomName ? undefined : event.room.name],
    ...ownAttributes(event),
  ])
  writer.empty('Sender', senderAttributes(event.principal, options))
  writer.empty('DateTimeUTC', timestampAttributes(event.at))
  // The clock was behind the previous stamp, which this event therefore has.
  if (event.clock !== undefined) writer.empty('ClockUTC', timestampAttributes(event.clock))
  if ('author' in event && event.author) writer.empty('Author', senderAttributes(event.author, options))
  if ('postedAt' in event && event.postedAt !== undefined) {
    writer.empty('PostedTimeUTC', timestampAttributes(event.postedAt))
  }
  if ('expiresAt' in event) writer.empty('ExpiresTimeUTC', timestampAttributes(event.expiresAt))
  if (event.kind === 'change') {
    writeProperties(writer, 'Before', event.before)
    writeProperties(writer, 'After', event.after)
  }
  writer.close()
}

/** Nothing when there are none: a created subject had no previous values. */
function writeProperties(writer: XmlWriter, element: string, properties: Readonly<Record<string, ChangeValue>>): void {
  const entries = Object.entries(properties)
  if (entries.length === 0) return
  writer.open(element)
  for (const [name, value] of entries) {
    for (const attributes of valueAttributes(value)) {
      writer.empty('Property', [...exactly('name', name), ...attributes])
    }
  }
  writer.close()
}

/** One element per value: a list has one per entry, or one without `value` when it is empty. */
function valueAttributes(value: ChangeValue): Attributes[] {
  if (Array.isArray(value)) {
    const type = ['type', 'list'] as const
    return value.length === 0 ? [[type]] : value.map((entry) => [type, ...exactly('value', entry)])
  }
  if (value === null) return [[['type', 'null']]]
  if (typeof value === 'string') return [[['type', 'text'], ...exactly('value', value)]]
  return [
    [
      ['type', typeof value],
      ['value', value],
    ],
  ]
}

function ownAttributes(event: ComplianceEvent): Attributes {
  switch (event.kind) {
    case 'chat':
      return [['alert', event.alert], ...maybe('title', event.title)]
    case 'join':
      return [['session', event.session]]
    case 'part':
      return [
        ['session', event.session],
        ['reason', event.reason],
      ]
    case 'backchat':
      return [['firstChatId', event.firstChatId], ['lastChatId', event.lastChatId], ...maybe('query', event.query)]
    case 'file-upload':
    case 'file-download':
      return [
        ...exactly('fileName', event.fileName),
        ...maybe('givenName', event.givenName),
        ['size', event.size],
        ['sha256', event.sha256],
      ]
    case 'chat-replaced':
      return [...maybe('title', event.title), ...replacedAttributes(event)]
    case 'chat-purged':
      return replacedAttributes(event)
    case 'change':
      return [
        ['action', event.action],
        ['subjectType', event.subject.type],
        ...exactly('subjectUri', event.subject.uri),
        ...exactly('subjectName', event.subject.name),
      ]
    case 'sign-in':
    case 'sign-out':
      return [
        ...exactly('account', event.account),
        ...maybe('remote', event.remote),
        ['tokenSession', event.tokenSession],
      ]
    case 'sign-in-refused':
      return [
        ...exactly('account', event.account),
        ...maybe('remote', event.remote),
        ['reason', event.reason],
        ['count', event.count],
      ]
    case 'assignment':
      return [
        ...exactly('account', event.account),
        ['tokenSession', event.tokenSession],
        ...exactly('service', event.service),
      ]
    case 'session-expired':
      return [...exactly('account', event.account), ['tokenSession', event.tokenSession]]
  }
}

function replacedAttributes(event: EventOf<'chat-replaced' | 'chat-purged'>): Attributes {
  return [
    ...exactly('replaced', event.replaced),
    ...maybe('replacedTitle', event.replacedTitle),
    ['replacedBefore', event.replacedBefore],
    ['alert', event.alert],
  ]
}

function maybe(name: string, text: string | undefined): Attributes {
  return text === undefined ? [] : exactly(name, text)
}

function writeRoster(
  writer: XmlWriter,
  element: string,
  roster: readonly RosterEntry[],
  options: AdapterOptions,
): void {
  if (roster.length === 0) return writer.empty(element)
  writer.open(element)
  for (const { session, principal, joinedAt } of roster) {
    writer.openInline('Participant', [['session', session]])
    writer.empty('Sender', senderAttributes(principal, options))
    writer.empty('DateTimeUTC', timestampAttributes(joinedAt))
    writer.close()
  }
  writer.close()
}
