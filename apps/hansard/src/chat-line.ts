/** What a line typed in `hansard chat` asks for. */
export type ChatLine =
  | { readonly kind: 'say'; readonly text: string }
  | { readonly kind: 'join' | 'part'; readonly room: string | undefined }
  | { readonly kind: 'history'; readonly limit: number }
  | { readonly kind: 'rooms'; readonly words: string | undefined }
  | { readonly kind: 'who' | 'quit' | 'help' | 'nothing' }
  | { readonly kind: 'unknown'; readonly command: string }

export const CHAT_HELP = `/join ROOM     come into a room, or go back to one you are in
/part [ROOM]   go out of a room
/who           who is in this room
/history [N]   the last N chats (30 when not said); the look is recorded
/rooms [WORDS] the rooms you may join, or those with all these words in name or description
/me TEXT       an action
//TEXT         a chat that begins with a slash
/quit          go out of all rooms and end`

export function readChatLine(line: string): ChatLine {
  if (line.trim() === '') return { kind: 'nothing' }
  if (line.startsWith('//')) return { kind: 'say', text: line.slice(1) }
  if (!line.startsWith('/') || /^\/me\s/.test(line)) return { kind: 'say', text: line }
  const [, command = '', rest = ''] = /^\/(\S*)\s*(.*?)\s*$/s.exec(line) ?? []
  switch (command) {
    case 'join':
    case 'part':
      return { kind: command, room: rest === '' ? undefined : rest }
    case 'history': {
      const limit = rest === '' ? 30 : Number(rest)
      return Number.isInteger(limit) && limit > 0
        ? { kind: 'history', limit }
        : { kind: 'unknown', command: line.trim() }
    }
    case 'rooms':
      return { kind: 'rooms', words: rest === '' ? undefined : rest }
    case 'who':
    case 'quit':
    case 'help':
      return { kind: command }
    default:
      return { kind: 'unknown', command: `/${command}` }
  }
}
