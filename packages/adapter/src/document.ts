import type { ComplianceEvent, EventKind, EventPrincipal } from '@hansard/compliance-event'
import type { RoomSlice } from '@hansard/conversation'
import type { AdapterOptions, ExportContext } from './adapter.ts'
import type { Attributes } from './xml-writer.ts'

/**
 * What the two profiles of the conversations document share: the names and values the original gives to an event. The
 * profiles differ in what they omit.
 */
export type Profile = {
  readonly name: 'strict-2013' | 'extended-1'
  includesKind(kind: EventKind): boolean
  /** Whether a conversation without events appears because participants were present. */
  readonly showsRosters: boolean
  open(options: AdapterOptions, context: ExportContext): ConversationsDocument
}

export type ConversationsDocument = { add(slice: RoomSlice): void; finish(): Uint8Array }

export const MESSAGE_TYPES = {
  chat: 'CHAT',
  join: 'JOIN',
  part: 'PART',
  backchat: 'BACKCHAT',
  'file-upload': 'FILEUPLOAD',
  'file-download': 'FILEDOWNLOAD',
  'chat-replaced': 'CHATREPLACED',
  'chat-purged': 'CHATPURGED',
  change: 'CHANGE',
  'sign-in': 'SIGNIN',
  'sign-in-refused': 'SIGNINREFUSED',
  assignment: 'ASSIGNMENT',
  'sign-out': 'SIGNOUT',
  'session-expired': 'SESSIONEXPIRED',
} as const satisfies Record<EventKind, string>

export function messageContent(event: ComplianceEvent): string {
  switch (event.kind) {
    case 'chat':
    case 'chat-replaced':
      return event.content
    case 'backchat':
      return backchatContent(event)
    case 'file-upload':
    case 'file-download':
      return event.storedName
    case 'join':
    case 'part':
    case 'chat-purged':
    case 'change':
    case 'sign-in':
    case 'sign-in-refused':
    case 'assignment':
    case 'sign-out':
    case 'session-expired':
      return ''
  }
}

/** A chat's number in its room; 0 where the original has no number. */
export function messageId(event: ComplianceEvent): number {
  return 'chatId' in event ? event.chatId : 0
}

/**
 * What was read: `chats 12-41` or `no chats`, then the search query, which may contain anything. The original's
 * manuals show a placeholder here and do not document its content.
 */
function backchatContent({ firstChatId, lastChatId, query }: Extract<ComplianceEvent, { kind: 'backchat' }>): string {
  const seen = firstChatId === 0 && lastChatId === 0 ? 'no chats' : `chats ${firstChatId}-${lastChatId}`
  return query === undefined ? seen : `${seen}; search: ${query}`
}

/** Without `addUserDetails` a sender is an address only, as in the original when it does not resolve names. */
export function senderAttributes(principal: EventPrincipal, { addUserDetails }: AdapterOptions): Attributes {
  const address = sipAddress(principal.uri)
  return [
    ['UserName', addUserDetails ? principal.name : address],
    ['id', principal.id],
    ['email', addUserDetails ? (principal.email ?? '') : ''],
    ['internal', principal.internal],
    ['uri', address],
  ]
}

export function channelAttributes(room: RoomSlice['room'], { addChatRoomDetails }: AdapterOptions): Attributes {
  return [
    ['uri', room.uri],
    ['name', addChatRoomDetails ? room.name : room.uri],
  ]
}

/** The original writes SIP addresses without their scheme. Percent-escapes stay: the address is a URI. */
function sipAddress(uri: string): string {
  return uri.replace(/^sips?:/i, '')
}

/** From the earliest to the latest stamp. Room order is commit order, and the clocks of two servers may differ. */
export function timeSpan(events: readonly ComplianceEvent[]): { readonly from: number; readonly to: number } {
  let from = Number.POSITIVE_INFINITY
  let to = Number.NEGATIVE_INFINITY
  for (const { at } of events) {
    if (at < from) from = at
    if (at > to) to = at
  }
  return { from, to }
}
