import { createHash } from 'node:crypto'
import {
  ContentChanged,
  type Digest,
  FileStoreFull,
  PlacedOtherwise,
  ScannerAway,
  type Verdict,
} from '@hansard/file-store'
import { endUpload, type FileToken, findFile, findPrincipal, markTokenUsed, type PoolFile } from '@hansard/pool-store'
import { fileUri } from '@hansard/rooms'
import { type FileServiceDeps, lockRoom, mustMay, NoSuchFile, refused } from './deps.ts'
import { endOf, type UploadAnswer } from './upload-answer.ts'

/**
 * Completes an upload: scan, put the bytes in place, record. In that order.
 *
 * The bytes are durable in the pool's file store and in the compliance file store before the transaction that says so:
 * there is no event without its bytes. A crash before the commit leaves bytes without an event, which nobody can reach;
 * the client repeats its request and everything from the scan on happens again, or the sweep takes them away. The bytes
 * that were scanned are those that are kept: each step reads what arrived anew and compares the hash.
 */
export async function finishUpload(
  deps: FileServiceDeps,
  { token, sha256: announced }: { token: FileToken; sha256: string | undefined },
): Promise<UploadAnswer> {
  const { db, log, files, complianceFiles, writer } = deps
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
    const ended = await writer.change(async (tx, at) => {
      const { roomId } = file
      const asked = { place: deps.place, operation: 'upload-file' as const, roomId, principalId: token.principalId }
      const principal = await mustMay(db, tx, asked)
      if (!(await endUpload(tx, id, { state: 'kept', sha256: digest.sha256, at }))) {
        return { events: [], rights: [], result: { file: (await findFile(tx, id))!, now: false } }
      }
      await markTokenUsed(tx, token.tokenHash, at)
      const detail = { kind: 'file-upload' as const, storedName, fileName: file.fileName, size, sha256: digest.sha256 }
      const kept: PoolFile = { ...file, state: 'kept', sha256: digest.sha256 }
      return { events: [{ roomId: file.roomId, principal, detail }], rights: [], result: { file: kept, now: true } }
    })
    if (ended.file.state === 'expired') await takeBack(deps, file)
    if (!ended.now) return endOf(ended.file)
    await forgetPieces(deps, id)
    log.info({ file: id, size }, 'a file was uploaded')
    return { kind: 'complete', file: ended.file, repeated: false }
  } catch (error) {
    if (error instanceof NoSuchFile) return refused('no-such-file')
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

/** Takes the hash of what arrived while the scanner looks at it; without a scanner everything is clean. */
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
 * What is infected goes to the record's own quarantine, where no download could find it, and then the room's conversation
 * tells that it was refused, and why. Told even of somebody who lost the right meanwhile: the finding is ours, not an act
 * of theirs that needed a right.
 */
async function quarantine(
  deps: FileServiceDeps,
  { file, principalId, tokenHash }: FileToken,
  { digest, signature }: { digest: Digest; signature: string },
): Promise<UploadAnswer> {
  const { db, log, files, complianceFiles, writer, domain } = deps
  const { id, storedName, fileName, roomId } = file
  const { size, sha256 } = digest
  await complianceFiles.quarantine(storedName, files.readIncoming(id), digest)
  const ended = await writer.change(async (tx, at) => {
    await lockRoom(db, tx, roomId)
    if (!(await endUpload(tx, id, { state: 'quarantined', sha256, signature, at })))
      return { events: [], rights: [], result: (await findFile(tx, id))! }
    await markTokenUsed(tx, tokenHash, at)
    const principal = (await findPrincipal(tx, { id: principalId }))!
    const detail = {
      kind: 'change' as const,
      action: 'created' as const,
      subject: { type: 'quarantined-file' as const, uri: fileUri(domain, id), name: fileName },
      before: {},
      after: { storedName, size, sha256, signature },
    }
    return { events: [{ roomId, principal, detail }], rights: [], result: undefined }
  })
  if (ended?.state === 'expired') await takeBack(deps, file)
  if (ended) return endOf(ended)
  log.error({ file: id, roomId, principalId, signature }, 'an infected file was quarantined')
  await forgetPieces(deps, id)
  return refused('infected')
}

/** The sweep may have looked already when these bytes came: an upload that expired in the meantime leaves none behind. */
async function takeBack({ files, complianceFiles }: FileServiceDeps, { id, storedName }: PoolFile): Promise<void> {
  for (const store of [files, complianceFiles]) {
    await store.remove(storedName)
    await store.discard(id)
  }
}

/** What is kept is kept: that the pieces it was made of could not be taken away is the sweep's business. */
async function forgetPieces({ files, log }: FileServiceDeps, id: string): Promise<void> {
  await files
    .discard(id)
    .catch((error: unknown) => log.warn({ err: error, file: id }, 'pieces of a file stay for a while'))
}
