/** What a line typed in `hansard chat` asks for. */
export type ChatLine =
  | { readonly kind: 'say'; readonly text: string }
  | { readonly kind: 'join' | 'part'; readonly room: string | undefined }
  | { readonly kind: 'history'; readonly limit: number }
  | { readonly kind: 'upload'; readonly path: string }
  | { readonly kind: 'download'; readonly link: string; readonly path: string | undefined }
  | { readonly kind: 'who' | 'rooms' | 'quit' | 'help' | 'nothing' }
  | { readonly kind: 'unknown'; readonly command: string }

export const CHAT_HELP = `/join ROOM     come into a room, or go back to one you are in
/part [ROOM]   go out of a room
/who           who is in this room
/history [N]   the last N chats (30 when not said); the look is recorded
/rooms         the rooms you may join
/upload FILE   hand a file over in this room; its link is said there
/download LINK [FILE]   fetch one; under its own name when no other is said
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
    case 'upload':
      return rest === '' ? { kind: 'unknown', command: line.trim() } : { kind: 'upload', path: rest }
    case 'download': {
      const [, link, path] = /^(\S+)(?:\s+(.+))?$/s.exec(rest) ?? []
      return link === undefined ? { kind: 'unknown', command: line.trim() } : { kind: 'download', link, path }
    }
    case 'who':
    case 'rooms':
    case 'quit':
    case 'help':
      return { kind: command }
    default:
      return { kind: 'unknown', command: `/${command}` }
  }
}
