import { createHash } from 'node:crypto'
import { openAsBlob } from 'node:fs'
import { type FileHandle, open, rm, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import type { FileToken, PoolClient } from '@hansard/client'
import { CommandFailure, misused, unreachable } from '../cli/command-failure.ts'

/** How often the rest of a file is sent when the connection breaks. */
const RESUMES_MAX = 3

type Transferred = { readonly fileName: string; readonly size: number; readonly sha256: string }

/** Hands a file over in a room; answers the link that names it. Where the connection breaks it goes on. */
export async function uploadFile(
  client: PoolClient,
  room: string,
  path: string,
): Promise<Transferred & { readonly link: string }> {
  const found = await stat(path).catch(() => undefined)
  if (!found?.isFile()) throw misused(`${path} is not a file that can be read.`)
  const content = await openAsBlob(path)
  const ticket = await client.uploadToken(room, { fileName: basename(path), size: content.size })
  for (let resumed = 0; ; resumed++) {
    try {
      const offset = resumed === 0 ? 0 : await arrived(ticket)
      const headers = { ...bearer(ticket), 'upload-offset': String(offset) }
      // Each attempt goes to the next file service: the one that was named may be gone.
      const url = ticket.urls[resumed % ticket.urls.length]!
      const response = await fetch(url, { method: 'PATCH', headers, body: content.slice(offset), redirect: 'error' })
      return (await answered(response).then((whole) => whole.json())) as Transferred & { link: string }
    } catch (error) {
      // What came before the break may still be on its way to the disk when it is asked how much there is.
      const moved = error instanceof CommandFailure && error.code === 'wrong-offset'
      if (error instanceof CommandFailure && !(moved && resumed < RESUMES_MAX)) throw error
      if (resumed === RESUMES_MAX) throw unreachable('The connection broke again and again.', undefined, error)
    }
  }
}

/** Fetches a file of a room, to `path` or under its own name. What stands there is not replaced. */
export async function downloadFile(
  client: PoolClient,
  room: string,
  { link, path }: { link: string; path: string | undefined },
): Promise<Transferred & { readonly path: string }> {
  const ticket = await client.downloadToken(room, link)
  // The pool makes names safe. It is another machine all the same, and this one writes here.
  const target = path ?? basename(ticket.fileName)
  const response = await answered(await fetchFromAny(ticket, { headers: bearer(ticket) }))
  const file = await open(target, 'wx').catch((error: NodeJS.ErrnoException) => {
    void response.body?.cancel()
    throw misused(`${target} cannot be written: ${error.code === 'EEXIST' ? 'it is there already' : error.message}.`)
  })
  try {
    const { size, sha256 } = await save(response, file)
    const expected = response.headers.get('repr-digest')
    if (expected !== `sha-256=:${Buffer.from(sha256, 'hex').toString('base64')}:`)
      throw new Error('what came is not what was sent')
    return { path: target, fileName: ticket.fileName, size, sha256 }
  } catch (error) {
    await rm(target, { force: true })
    throw unreachable(`${target} did not come whole; ask again.`, undefined, error)
  }
}

async function save(response: Response, file: FileHandle): Promise<{ size: number; sha256: string }> {
  const hash = createHash('sha256')
  let size = 0
  try {
    for await (const piece of response.body!) {
      hash.update(piece)
      size += piece.byteLength
      await file.writeFile(piece)
    }
  } finally {
    await file.close()
  }
  return { size, sha256: hash.digest('hex') }
}

async function arrived(ticket: FileToken): Promise<number> {
  const response = await answered(await fetchFromAny(ticket, { method: 'HEAD', headers: bearer(ticket) }))
  return Number(response.headers.get('upload-offset'))
}

/** The first file service that answers. The token stays with the pool: no redirect is followed. */
async function fetchFromAny({ urls }: FileToken, init: RequestInit): Promise<Response> {
  let first: unknown
  for (const url of urls) {
    try {
      return await fetch(url, { ...init, redirect: 'error' })
    } catch (error) {
      first ??= error
    }
  }
  throw unreachable('No file service of the pool can be reached.', undefined, first)
}

function bearer({ token }: FileToken): Record<string, string> {
  return { authorization: `Bearer ${token}` }
}

/** The answer, if it is a good one; otherwise what the file service said. */
async function answered(response: Response): Promise<Response> {
  if (response.ok) return response
  const said = (await response.json().catch(() => ({}))) as { error?: string; message?: string }
  throw new CommandFailure(1, said.message ?? `The file service answered ${response.status}.`, { code: said.error })
}
