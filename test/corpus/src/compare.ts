import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

type Comparison = {
  readonly rooms: number
  readonly chats: number
  readonly joins: number
  readonly parts: number
  readonly differences: readonly string[]
}

// Python reads both sides, so that neither our log parser nor our XML writer checks itself. A log line is
// "[12:18] <nick> text" or "[12:18]  * nick text"; exports represent a control character that XML forbids by its
// Unicode picture, and other forbidden characters by U+FFFD.
const ORACLE = String.raw`
import glob, json, os, re, sys, urllib.parse, xml.etree.ElementTree as ET
logs, exports, rooms = sys.argv[1], sys.argv[2], json.load(open(sys.argv[3]))
def shown(text):
    out = []
    for c in text:
        n = ord(c)
        if n in (9, 10, 13) or 32 <= n <= 0xD7FF or 0xE000 <= n <= 0xFFFD or n >= 0x10000: out.append(c)
        elif n < 32: out.append(chr(0x2400 + n))
        else: out.append('�')
    return ''.join(out)
said, heard, joins, parts = {}, {}, 0, 0
for path in sorted(glob.glob(os.path.join(logs, '*.log'))):
    room = said.setdefault(os.path.basename(path)[:-4], [])
    for line in open(path, encoding='utf-8', errors='replace', newline='\n').read().split('\n'):
        m = re.match(r'\[\d\d:\d\d\] <([^>]+)> (.+)$', line, re.S)
        if m: room.append((m[1].strip(), shown(m[2]))); continue
        m = re.match(r"\[\d\d:\d\d\]  \* (\S+)(?: (.*))?$", line, re.S)
        if m: room.append((m[1], shown('/me ' + (m[2] or ''))))
for path in sorted(glob.glob(os.path.join(exports, '**', '*.xml'), recursive=True)):
    for conversation in ET.parse(path).getroot().findall('Conversation'):
        room = rooms.get(conversation.find('Channel').get('uri'))
        for m in conversation.find('Messages').findall('Message'):
            kind = m.get('type')
            joins += kind == 'JOIN'; parts += kind == 'PART'
            if kind == 'CHAT':
                who = urllib.parse.unquote(m.find('Sender').get('uri').rsplit('@', 1)[0])
                heard.setdefault(room, []).append((who, m.get('content')))
differences = []
for room in sorted(set(said) | set(heard), key=str):
    a, b = said.get(room, []), heard.get(room, [])
    if a != b:
        at = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
        differences.append(f'{room}: {len(a)} said, {len(b)} exported, first difference at {at}: {a[at:at+1]} / {b[at:at+1]}')
print(json.dumps(dict(rooms=len(heard), chats=sum(map(len, heard.values())), joins=joins, parts=parts, differences=differences)))
`

/**
 * Compares strict exports with the logs they came from: every chat once, its text and author, in the order of each
 * file.
 */
export async function compareWithLogs(options: {
  logs: string
  exports: string
  roomsFile: string
}): Promise<Comparison> {
  const args = ['-c', ORACLE, options.logs, options.exports, options.roomsFile]
  const { stdout } = await promisify(execFile)('python3', args, { maxBuffer: 2 ** 28 })
  return JSON.parse(stdout) as Comparison
}
