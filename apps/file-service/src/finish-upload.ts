import { createHash } from 'node:crypto'
import {
  ContentChanged,
  type Digest,
  FileStoreFull,
  PlacedOtherwise,
  ScannerAway,
  type Verdict,
} from '@hansard/file-store'
import type { FileToken, PoolFile } from '@hansard/pool-store'
import { type FileServiceDeps, refused } from './deps.ts'
import { endOf, type UploadAnswer } from './upload-answer.ts'

/**
 * Completes an upload: scan, store the bytes, record. In that order.
 *
 * The bytes are durable in the pool's file store and in the compliance file store before the transaction that records
 * them commits: no event exists without its bytes. A crash before the commit leaves bytes without an event, which
 * nobody can reach; the client repeats its request and everything from the scan on happens again, or the sweep
 * deletes them. The stored bytes are the scanned ones: each step reads the received bytes again and compares the
 * hash.
 */
export async function finishUpload(
  deps: FileServiceDeps,
  { token, sha256: announced }: { token: FileToken; sha256: string | undefined },
): Promise<UploadAnswer> {
  const { log, files, complianceFiles, commands } = deps
  const { file } = token
  const { id, storedName, size } = file
  try {
    const { digest, verdict } = await examine(deps, id)
    if (digest.size !== size) return refused('conflict')
    if (announced !== undefined && announced !== digest.sha256) {
      await files.discard(id)
      return refused('wrong-digest')
    }
    if (!verdict.clean) return await quarantine(deps, token, { digest, signature: verdict.signature })

    await files.place(storedName, files.readIncoming(id), digest)
    await complianceFiles.place(storedName, files.readIncoming(id), digest)
    const kept = await commands.keepUpload(token, digest.sha256)
    if (!kept) return refused('no-such-file')
    if (kept.file.state === 'expired') await takeBack(deps, file)
    if (!kept.ended) return endOf(kept.file)
    await forgetPieces(deps, id)
    log.info({ file: id, size }, 'a file was uploaded')
    return { kind: 'complete', file: kept.file, repeated: false }
  } catch (error) {
    if (error instanceof FileStoreFull) {
      log.error({ err: error, hint: error.hint }, 'a file store is full; uploads are refused')
      return refused('store-full')
    }
    if (error instanceof ScannerAway) {
      log.error({ err: error, hint: error.hint }, 'files cannot be scanned; uploads are refused')
      return refused('try-again')
    }
    if (error instanceof ContentChanged) return refused('conflict')
    if (error instanceof PlacedOtherwise) {
      log.warn({ err: error, file: id }, 'an upload was begun again with other content; it expires')
      return refused('conflict')
    }
    throw error
  }
}

/** Hashes the received bytes while the scanner reads them; without a scanner every file is clean. */
async function examine({ files, scanner }: FileServiceDeps, id: string) {
  const hash = createHash('sha256')
  let size = 0
  async function* hashed() {
    for await (const piece of files.readIncoming(id)) {
      hash.update(piece)
      size += piece.byteLength
      yield piece
    }
  }
  let verdict: Verdict = { clean: true }
  if (scanner) verdict = await scanner.scan(hashed())
  else for await (const _ of hashed());
  return { digest: { size, sha256: hash.digest('hex') }, verdict }
}

/**
 * An infected file goes to the quarantine of the compliance file store, where no download finds it. Then the room's
 * conversation records that it was refused, and why. It is recorded even if the sender lost the right to upload
 * meanwhile: the finding is the service's, not an act that needs a right.
 */
async function quarantine(
  deps: FileServiceDeps,
  token: FileToken,
  { digest, signature }: { digest: Digest; signature: string },
): Promise<UploadAnswer> {
  const { log, files, complianceFiles, commands } = deps
  const { file, principalId } = token
  const { id, storedName, roomId } = file
  await complianceFiles.quarantine(storedName, files.readIncoming(id), digest)
  const ended = await commands.quarantineUpload(token, { ...digest, signature })
  if (ended?.state === 'expired') await takeBack(deps, file)
  if (ended) return endOf(ended)
  log.error({ file: id, roomId, principalId, signature }, 'an infected file was quarantined')
  await forgetPieces(deps, id)
  return refused('infected')
}

/** The sweep may have run before these bytes arrived: delete the bytes of an upload that has expired meanwhile. */
async function takeBack({ files, complianceFiles }: FileServiceDeps, { id, storedName }: PoolFile): Promise<void> {
  for (const store of [files, complianceFiles]) {
    await store.remove(storedName)
    await store.discard(id)
  }
}

/** The file is stored. If its pieces cannot be deleted now, the sweep does it. */
async function forgetPieces({ files, log }: FileServiceDeps, id: string): Promise<void> {
  await files
    .discard(id)
    .catch((error: unknown) => log.warn({ err: error, file: id }, 'pieces of a file could not be deleted yet'))
}
