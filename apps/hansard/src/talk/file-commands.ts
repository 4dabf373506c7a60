import { createHash } from 'node:crypto'
import { openAsBlob } from 'node:fs'
import { open, rm, stat } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { misused, refused } from '../command-failure.ts'
import { counted, visible } from '../table.ts'
import { say } from './chat-commands.ts'
import { firstWord, here, required, type TalkCommand } from './talk.ts'

const FILE_LINK = /ma-filelink:\/\/\S+/

/** Files handed over and taken. Both are on record. */
export const FILE_COMMANDS: Readonly<Record<string, TalkCommand>> = {
  upload: {
    takes: 'PATH',
    help: 'hand a file over to this room',
    async run(talk, rest) {
      const path = resolve(required(rest, '/upload PATH'))
      const room = here(talk)
      const found = await stat(path).catch(() => undefined)
      if (!found?.isFile()) throw misused(`There is no file ${path}.`)
      const issued = await talk.client.uploadToken(room.uri, { fileName: basename(path), size: found.size })
      const answer = await fetch(issued.url, {
        method: 'PUT',
        headers: { authorization: `Bearer ${issued.token}`, 'content-type': 'application/octet-stream' },
        body: await openAsBlob(path),
      })
      const body = (await answer.json()) as { link?: string; sha256?: string; error?: string }
      if (answer.status !== 201 || body.link === undefined) throw notTransferred(answer.status, body.error)
      talk.tell(`-- ${visible(issued.fileName)} is on record: ${counted(found.size, 'byte')}, SHA-256 ${body.sha256}`, {
        event: 'uploaded',
        file: issued.file,
        fileName: issued.fileName,
        size: found.size,
        sha256: body.sha256,
      })
      await say(talk, `${issued.fileName} ${body.link}`)
    },
  },
  download: {
    takes: 'LINK [PATH]',
    help: 'take a file of this room, by the ma-filelink:// in a chat; never over a file that is there',
    async run(talk, rest) {
      const [first, path] = firstWord(required(rest, '/download LINK [PATH]'))
      const link = FILE_LINK.exec(first)?.[0] ?? first
      const issued = await talk.client.downloadToken(here(talk).uri, link)
      const answer = await fetch(issued.url, { headers: { authorization: `Bearer ${issued.token}` } })
      if (answer.status !== 200 || !answer.body) {
        const { error } = (await answer.json().catch(() => ({}))) as { error?: string }
        throw notTransferred(answer.status, error)
      }
      // The pool has made the name safe; whatever it is, it names something in this directory.
      const target = resolve(path === '' ? basename(issued.fileName) : path)
      const { size, sha256 } = await keep(answer.body, target)
      if (size !== issued.size) {
        await rm(target, { force: true })
        throw refused(`Only ${counted(size, 'byte')} of ${issued.size} arrived. Nothing was kept; try again.`)
      }
      talk.tell(`-- ${visible(target)}: ${counted(size, 'byte')}, SHA-256 ${sha256}`, {
        event: 'downloaded',
        file: issued.file,
        path: target,
        size,
        sha256,
      })
    },
  },
}

async function keep(body: ReadableStream<Uint8Array>, target: string): Promise<{ size: number; sha256: string }> {
  const file = await open(target, 'wx').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EEXIST') throw misused(`${target} is there already. Say another: /download LINK PATH`)
    throw misused(`${target} cannot be written: ${error.code}`)
  })
  const hash = createHash('sha256')
  let size = 0
  try {
    for await (const piece of body) {
      hash.update(piece)
      size += piece.byteLength
      await file.writeFile(piece)
    }
    await file.sync()
  } catch (error) {
    await rm(target, { force: true })
    throw error
  } finally {
    await file.close()
  }
  return { size, sha256: hash.digest('hex') }
}

function notTransferred(status: number, error: string | undefined) {
  const says = error === undefined ? `HTTP ${status}` : `${error} (HTTP ${status})`
  return refused(`The file service answered ${says}. docs/files.md says what each answer means.`)
}
