import { hash } from 'node:crypto'
import { isStoredName } from '@hansard/file-store'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  endedFiles,
  endUpload,
  expiredFiles,
  expireUploads,
  fileCounts,
  findFile,
  findFileToken,
  forgetFileTokens,
  type IssuedFileToken,
  issueFileToken,
  markBytesRemoved,
  markTokenUsed,
  type Principal,
} from '../index.ts'
import { NOW, openStoreInTest, type StoreInTest } from '../store-in-test.ts'
import { FILE_TOKEN_MS } from './file-tokens.ts'

type Issued = Extract<IssuedFileToken, { outcome: 'issued' }>
const SHA = 'a'.repeat(64)

describe.each(['sqlite', 'postgres'] as const)('files on %s', (dialect) => {
  let store: StoreInTest
  let people = 0
  let alice: Principal
  let roomId: number
  beforeAll(async () => {
    store = await openStoreInTest(dialect)
    roomId = await store.addRoom('desk')
    alice = await store.addUser('alice')
  })
  afterAll(() => store?.close())

  const someone = () => store.addUser(`person-${++people}`)
  const filesUrl = 'https://chat.example.com/files'
  const upload = (who: Principal, more: { fileName?: string; size?: number; now?: number; limits?: object } = {}) =>
    issueFileToken(store.db, {
      kind: 'upload',
      principalId: who.id,
      roomId,
      now: NOW,
      filesUrl,
      fileName: 'a.txt',
      size: 3,
      maxFileSizeKb: 20_000,
      ...more,
    } as Parameters<typeof issueFileToken>[1])
  const issued = async (answer: Promise<IssuedFileToken>) => {
    const token = await answer
    expect(token.outcome).toBe('issued')
    return token as Issued
  }
  const download = (who: Principal, fileId: string, room = roomId) =>
    issueFileToken(store.db, { kind: 'download', principalId: who.id, roomId: room, now: NOW, filesUrl, fileId })
  const keep = async (fileId: string) => endUpload(store.db.knex, fileId, { state: 'kept', sha256: SHA, at: NOW + 1 })

  describe('a token', () => {
    it('is returned once, and only its hash is stored', async () => {
      const { token, fileId, url, expiresAt } = await issued(upload(alice))
      expect(url).toBe('https://chat.example.com/files/upload')
      expect(expiresAt).toBe(NOW + FILE_TOKEN_MS)
      const rows = await store.db.knex('file_token').where({ file_id: fileId })
      expect(rows).toMatchObject([{ token_hash: hash('sha256', token, 'hex'), used_at: null }])
      expect(JSON.stringify([rows, await store.db.knex('file')])).not.toContain(token)
    })

    it('is found until it expires, for the purpose it was issued for', async () => {
      const { token, fileId } = await issued(upload(alice, { fileName: '../x/Ünï\u202e.PDF', size: 12 }))
      const found = await findFileToken(store.db.knex, { token, kind: 'upload', now: NOW + FILE_TOKEN_MS - 1 })
      expect(found).toMatchObject({
        principalId: alice.id,
        usedAt: undefined,
        file: { id: fileId, roomId, principalId: alice.id, fileName: 'Ünï.PDF', storedName: `${fileId}.pdf`, size: 12 },
      })
      for (const [kind, now] of [
        ['upload', NOW + FILE_TOKEN_MS],
        ['download', NOW],
      ] as const)
        expect(await findFileToken(store.db.knex, { token, kind, now })).toBeUndefined()
    })

    it('does not match any other text, however similar', async () => {
      const { token } = await issued(upload(alice))
      const others = fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.constantFrom(
          '',
          '%',
          token.slice(1),
          `${token} `,
          `${token}\n`,
          token.toLowerCase(),
          hash('sha256', token, 'hex'),
        ),
        fc.string({ unit: fc.constantFrom(...'abcXYZ019_-'), minLength: 43, maxLength: 43 }),
      )
      await fc.assert(
        fc.asyncProperty(others, async (text) => {
          if (text === token) return
          expect(await findFileToken(store.db.knex, { token: text, kind: 'upload', now: NOW })).toBeUndefined()
        }),
        { numRuns: 500 },
      )
    })

    it('is marked used once', async () => {
      const { token } = await issued(upload(alice))
      const found = (await findFileToken(store.db.knex, { token, kind: 'upload', now: NOW }))!
      const marks = [1, 2, 3].map((n) => markTokenUsed(store.db.knex, found.tokenHash, NOW + n))
      expect((await Promise.all(marks)).filter(Boolean)).toHaveLength(1)
    })

    it('for a download is issued only for a kept file, in its own room', async () => {
      const other = await store.addRoom(`other ${people}`)
      const { fileId } = await issued(upload(alice))
      expect(await download(alice, fileId)).toMatchObject({ outcome: 'refused', reason: 'no-such-file' })
      await keep(fileId)
      expect(await download(alice, fileId)).toMatchObject({ outcome: 'issued', fileId, size: 3 })
      for (const [id, room] of [
        [fileId, other],
        ['../etc/passwd', roomId],
        [`${fileId}\0`, roomId],
        [fileId.toUpperCase(), roomId],
      ] as const)
        expect(await download(alice, id, room)).toMatchObject({ outcome: 'refused', reason: 'no-such-file' })
    })

    it('is deleted after it expires', async () => {
      const { token, fileId } = await issued(upload(alice, { now: NOW - 10 * FILE_TOKEN_MS }))
      await keep(fileId)
      expect(await forgetFileTokens(store.db.knex, NOW - 5 * FILE_TOKEN_MS)).toBe(1)
      const found = await findFileToken(store.db.knex, { token, kind: 'upload', now: NOW - 10 * FILE_TOKEN_MS })
      expect(found).toBeUndefined()
    })
  })

  describe('an upload', () => {
    it('is refused when it is larger than the pool allows, or its size is invalid', async () => {
      expect(await upload(alice, { size: 20_000 * 1_024 })).toMatchObject({ outcome: 'issued' })
      expect(await upload(alice, { size: 0 })).toMatchObject({ outcome: 'issued' })
      for (const size of [20_000 * 1_024 + 1, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])
        expect(await upload(alice, { size })).toMatchObject({ outcome: 'refused', reason: 'too-large' })
    })

    it('counts towards a limit per principal, also when requested concurrently', async () => {
      const limits = { uploadsMax: 3, bytesInFlightMax: 1e12, downloadsMax: 9 }
      const who = await someone()
      const asked = await Promise.all(Array.from({ length: 8 }, () => upload(who, { limits })))
      expect(asked.filter(({ outcome }) => outcome === 'issued')).toHaveLength(3)
      expect(asked.find(({ outcome }) => outcome === 'refused')).toMatchObject({ reason: 'limit-exceeded' })
      expect(await upload(await someone(), { limits })).toMatchObject({ outcome: 'issued' })
      await keep((asked.find(({ outcome }) => outcome === 'issued') as Issued).fileId)
      expect(await upload(who, { limits })).toMatchObject({ outcome: 'issued' })
      expect(await upload(who, { limits, now: NOW + FILE_TOKEN_MS })).toMatchObject({ outcome: 'issued' })
    })

    it('is refused while all principals together have announced the maximum', async () => {
      const before = Number(
        (
          await store.db.knex('file').where({ state: 'uploading' }).andWhere('expires_at', '>', NOW).sum('size as n')
        )[0]!['n'],
      )
      const limits = { uploadsMax: 100, bytesInFlightMax: before + 100, downloadsMax: 9 }
      expect(await upload(await someone(), { limits, size: 100 })).toMatchObject({ outcome: 'issued' })
      expect(await upload(await someone(), { limits, size: 1 })).toMatchObject({ reason: 'limit-exceeded' })
    })

    it('ends once, however many end it', async () => {
      const { fileId } = await issued(upload(alice))
      const before = (await fileCounts(store.db.knex)).quarantined
      const { knex } = store.db
      const ends = await Promise.all([
        endUpload(knex, fileId, { state: 'quarantined', sha256: SHA, signature: 'Eicar', at: NOW }),
        keep(fileId),
        keep(fileId),
      ])
      expect(ends.filter(Boolean)).toHaveLength(1)
      expect(await expireUploads(knex, { before: NOW - 1, now: NOW })).toBe(0)
      const { state, sha256 } = (await findFile(knex, fileId))!
      expect(sha256).toBe(SHA)
      expect((await fileCounts(knex)).quarantined).toBe(state === 'quarantined' ? before + 1 : before)
    })

    it('expires the moment after its deadline, not at it', async () => {
      const { knex } = store.db
      const { fileId, expiresAt } = await issued(upload(await someone(), { now: NOW - 100 * FILE_TOKEN_MS }))
      const stateAt = async (before: number) => {
        await expireUploads(knex, { before, now: NOW })
        return (await findFile(knex, fileId))!.state
      }
      expect(await stateAt(expiresAt)).toBe('uploading')
      expect(await stateAt(expiresAt + 1)).toBe('expired')
      await markBytesRemoved(knex, fileId)
    })

    it('that was never completed expires, and its bytes are listed for removal once', async () => {
      const { knex } = store.db
      const long = NOW - 10 * FILE_TOKEN_MS
      const { fileId } = await issued(upload(alice, { now: long, fileName: 'left.bin' }))
      expect(await expireUploads(knex, { before: NOW - 5 * FILE_TOKEN_MS, now: NOW })).toBe(1)
      expect(await endUpload(knex, fileId, { state: 'kept', sha256: SHA, at: NOW })).toBe(false)

      expect(await expiredFiles(knex, { before: NOW, limit: 10 })).toEqual([])
      const gone = await expiredFiles(knex, { before: NOW + 1, limit: 10 })
      expect(gone).toEqual([{ id: fileId, storedName: `${fileId}.bin` }])
      expect(gone.every(({ storedName }) => isStoredName(storedName))).toBe(true)
      expect(await endedFiles(knex, [fileId, 'unknown'], NOW + 1)).toEqual([fileId])
      await markBytesRemoved(knex, fileId)
      expect(await expiredFiles(knex, { before: NOW + 1, limit: 10 })).toEqual([])
    })
  })
})
