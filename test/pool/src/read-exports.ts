import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/** One `Message` of a strict export, as Python's own XML parser reads it. */
export type ExportedMessage = {
  readonly file: string
  readonly room: string
  readonly type: string
  readonly id: number
  readonly content: string
  readonly sender: string
  readonly since1970: number
}

// Python's standard library reads the exports, so that our writer is not checked by a parser of ours.
const READER = `
import glob, json, os, sys, xml.etree.ElementTree as ET
for path in sorted(glob.glob(os.path.join(sys.argv[1], '**', '*.xml'), recursive=True)):
    for conversation in ET.parse(path).getroot().findall('Conversation'):
        room = conversation.find('Channel').get('uri')
        for m in conversation.find('Messages').findall('Message'):
            sender, at = m.find('Sender'), m.find('DateTimeUTC')
            print(json.dumps([os.path.basename(path), room, m.get('type'), int(m.get('id')), m.get('content'),
                sender.get('uri'), int(at.get('since1970'))]))
`

/** Every message of every strict document under a directory, in the order of file names and documents. */
export async function readExports(directory: string): Promise<ExportedMessage[]> {
  const { stdout } = await promisify(execFile)('python3', ['-c', READER, directory], {
    maxBuffer: 2 ** 31 - 1,
    encoding: 'utf8',
  })
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [file, room, type, id, content, sender, since1970] = JSON.parse(line)
      return { file, room, type, id, content, sender, since1970 }
    })
}
