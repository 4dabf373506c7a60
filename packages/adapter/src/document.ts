import type { ComplianceEvent, EventKind, EventPrincipal } from '@hansard/compliance-event'
import type { RoomSlice } from '@hansard/conversation'
import type { AdapterOptions, ExportContext } from './adapter.ts'
import type { Attributes } from './xml-writer.ts'

/**
 * What the two profiles of the conversations document have in common: the names and values the original
 * gives to an event. The profiles differ in what they leave out.
 */
export type Profile = {
  readonly name: 'strict-2013' | 'extended-1'
  includesKind(kind: EventKind): boolean
  /** Whether a conversation in which nobody did anything appears, for the sake of who sat there. */
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
      return ''
  }
}

/** A chat's number in its room; 0 where the original has no number to give. */
export function messageId(event: ComplianceEvent): number {
  return 'chatId' in event ? event.chatId : 0
}

/**
 * What was looked at: `chats 12-41`, `no chats`, and what was searched for, last, because it may hold
 * anything. The original's manuals show a placeholder here and do not say what stands in its place.
 */
function backchatContent({ firstChatId, lastChatId, query }: Extract<ComplianceEvent, { kind: 'backchat' }>): string {
  const seen = firstChatId === 0 && lastChatId === 0 ? 'no chats' : `chats ${firstChatId}-${lastChatId}`
  return query === undefined ? seen : `${seen}; search: ${query}`
}

/** Without `addUserDetails` a sender is shown by address alone, as the original does when it does not resolve names. */
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

/** The original writes SIP addresses without their scheme. What is percent-escaped stays so: it is a URI. */
export function sipAddress(uri: string): string {
  return uri.replace(/^sips?:/i, '')
}

/** From the earliest to the latest stamp: room order is the order of commits, and clocks of two servers may differ. */
export function timeSpan(events: readonly ComplianceEvent[]): { readonly from: number; readonly to: number } {
  let from = Number.POSITIVE_INFINITY
  let to = Number.NEGATIVE_INFINITY
  for (const { at } of events) {
    if (at < from) from = at
    if (at > to) to = at
  }
  return { from, to }
}
