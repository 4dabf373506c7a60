import { resolve } from 'node:path'
import { counted, visible } from '../cli/table.ts'
import { say } from './chat-commands.ts'
import { firstWord, here, required, type TalkCommand } from './talk.ts'
import { downloadFile, uploadFile } from './transfer-files.ts'

const FILE_LINK = /ma-filelink:\/\/\S+/

/** Files handed over and taken. Both are on record. */
export const FILE_COMMANDS: Readonly<Record<string, TalkCommand>> = {
  upload: {
    takes: 'PATH',
    help: 'hand a file over, and say its name and link in this room',
    async run(talk, rest) {
      const room = here(talk)
      const { link, fileName, size, sha256 } = await uploadFile(
        talk.client,
        room.uri,
        resolve(required(rest, '/upload PATH')),
      )
      talk.tell(`-- ${visible(fileName)} was handed over: ${counted(size, 'byte')}, SHA-256 ${sha256}`, {
        event: 'uploaded',
        room: room.name,
        link,
        fileName,
        size,
        sha256,
      })
      await say(talk, `${fileName} ${link}`)
    },
  },
  download: {
    takes: 'LINK [PATH]',
    help: 'take a file of this room, by the ma-filelink:// in a chat; never over a file that is there',
    async run(talk, rest) {
      const room = here(talk)
      const [first, named] = firstWord(required(rest, '/download LINK [PATH]'))
      const link = FILE_LINK.exec(first)?.[0] ?? first
      const path = named === '' ? undefined : named
      const taken = await downloadFile(talk.client, room.uri, { link, path })
      const { fileName, size, sha256 } = taken
      talk.tell(`-- ${visible(fileName)} is in ${visible(taken.path)}: ${counted(size, 'byte')}, SHA-256 ${sha256}`, {
        event: 'downloaded',
        room: room.name,
        ...taken,
      })
    },
  },
}
