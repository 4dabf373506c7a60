import { hash } from 'node:crypto'
import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import { writeDurably } from '@hansard/durable-file'
import { POOL_DIRECTORY } from '@hansard/evidence'
import type { AnchorCargo } from '@hansard/staging'
import { RFC3161Timestamp } from '@sigstore/core'

const REPLY_BYTES_MAX = 1 << 20
const ANSWER_WITHIN_MS = 30_000

// A TimeStampReq (RFC 3161, 2.4.1) in DER, before and after the 32 bytes of the hash: version 1, a SHA-256 imprint, and
// the wish to have the authority's certificate in the reply. It has no nonce: a repeated reply over the same hash is as
// true as it was the first time.
const BEFORE_HASH = Buffer.from('30390201013031300d060960864801650304020105000420', 'hex')
const AFTER_HASH = Buffer.from('0101ff', 'hex')

/**
 * Has the newest checkpoint time-stamped (RFC 3161), and puts the reply beside it as `….tsr`. The authority keeps
 * nothing: it shows when a checkpoint existed, so history that is written anew later has later times.
 */
export async function deliverToTimeStampAuthority(
  url: string,
  { stem, files }: AnchorCargo,
  {
    outputDirectory,
    assertMayWrite,
    signal,
  }: { outputDirectory: string; assertMayWrite: () => Promise<void>; signal: AbortSignal },
): Promise<void> {
  const directory = join(outputDirectory, POOL_DIRECTORY)
  const name = `${stem}.tsr`
  // It is there when the worker died between writing it and recording it.
  if (await lstat(join(directory, name)).catch(() => undefined)) return
  const checkpoint = Buffer.from(files.find((file) => file.name === `${stem}.checkpoint`)!.content)
  const reply = await askAuthority(url, timeStampRequest(checkpoint), signal)
  assertStamps(reply, checkpoint)
  await writeDurably(directory, name, reply, { beforeRename: assertMayWrite })
}

function timeStampRequest(data: Uint8Array): Buffer {
  return Buffer.concat([BEFORE_HASH, hash('sha256', data, 'buffer'), AFTER_HASH])
}

async function askAuthority(url: string, request: Uint8Array, signal: AbortSignal): Promise<Buffer<ArrayBuffer>> {
  const { href, authorization } = withoutPassword(url)
  let reply: Response
  try {
    reply = await fetch(href, {
      method: 'POST',
      body: Buffer.from(request),
      headers: { 'content-type': 'application/timestamp-query', ...authorization },
      redirect: 'error',
      signal: AbortSignal.any([signal, AbortSignal.timeout(ANSWER_WITHIN_MS)]),
    })
  } catch (error) {
    const { message, cause } = error as Error
    throw new Error(`The time-stamp authority cannot be reached: ${(cause as Error | undefined)?.message ?? message}.`)
  }
  if (!reply.ok) {
    await reply.body?.cancel()
    throw new Error(`The time-stamp authority answered with HTTP status ${reply.status}.`)
  }
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of reply.body ?? []) {
    size += part.length
    if (size > REPLY_BYTES_MAX)
      throw new Error(`The time-stamp authority's reply is longer than ${REPLY_BYTES_MAX} bytes.`)
    parts.push(part)
  }
  return Buffer.concat(parts)
}

/** `fetch` refuses a URL with a password in it. */
function withoutPassword(url: string): { href: string; authorization: { authorization?: string } } {
  const parsed = new URL(url)
  const { username, password } = parsed
  if (username === '' && password === '') return { href: url, authorization: {} }
  parsed.username = ''
  parsed.password = ''
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return {
    href: parsed.href,
    authorization: { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` },
  }
}

/** Throws unless the reply grants a time stamp of these bytes. Whose signature it has is for verifiers to say. */
function assertStamps(reply: Buffer<ArrayBuffer>, data: Buffer<ArrayBuffer>): void {
  let stamp: RFC3161Timestamp
  let granted: boolean
  try {
    stamp = RFC3161Timestamp.parse(reply)
    // granted, or granted with modifications: RFC 3161, 2.4.2
    granted = Number(stamp.status) === 0 || Number(stamp.status) === 1
  } catch {
    throw new Error('The time-stamp authority answered with something that is not a time stamp.')
  }
  if (!granted) throw new Error(`The time-stamp authority refused: its reply has the status ${stamp.status}.`)
  try {
    stamp.tstInfo.verify(data)
  } catch {
    throw new Error('The time-stamp authority answered with a time stamp of something else.')
  }
}
