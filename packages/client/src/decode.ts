import { ServerMessage } from '@hansard/wire'

/**
 * Reads a server's frame; undefined when it is none this client knows.
 *
 * Chats and acknowledgements are nearly all of the traffic, and are checked by hand: the general schema
 * costs many times what parsing the JSON does.
 */
export function decodeFrame(text: string): ServerMessage | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null) return undefined
  const frame = value as Record<string, unknown>
  if (frame['t'] === 'chat' || frame['t'] === 'posted')
    return isChat(frame) || isPosted(frame) ? (frame as ServerMessage) : undefined
  if (frame['t'] === 'c') return isBriefChat(frame) ? (frame as ServerMessage) : undefined
  const result = ServerMessage.safeParse(value)
  return result.success ? result.data : undefined
}

function isPosted(frame: Record<string, unknown>): boolean {
  return frame['t'] === 'posted' && isId(frame['re']) && isId(frame['chat']) && typeof frame['at'] === 'number'
}

function isBriefChat(frame: Record<string, unknown>): boolean {
  return isId(frame['r']) && typeof frame['from'] === 'string' && typeof frame['name'] === 'string' && isSaid(frame)
}

function isChat(frame: Record<string, unknown>): boolean {
  const from = frame['from'] as { uri?: unknown; name?: unknown } | null | undefined
  return (
    frame['t'] === 'chat' &&
    typeof frame['room'] === 'string' &&
    (frame['replaced'] === undefined || frame['replaced'] === true) &&
    typeof from === 'object' &&
    from !== null &&
    typeof from.uri === 'string' &&
    typeof from.name === 'string' &&
    isSaid(frame)
  )
}

function isSaid(frame: Record<string, unknown>): boolean {
  return (
    isId(frame['chat']) &&
    typeof frame['at'] === 'number' &&
    typeof frame['text'] === 'string' &&
    (frame['title'] === undefined || typeof frame['title'] === 'string') &&
    (frame['alert'] === undefined || frame['alert'] === true) &&
    (frame['imported'] === undefined || isImported(frame['imported']))
  )
}

function isImported(value: unknown): boolean {
  const { by, at } = (value ?? {}) as Record<string, unknown>
  return typeof by === 'string' && typeof at === 'number'
}

function isId(value: unknown): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
