import { mkdtempSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ManualClock } from '@hansard/clock'
import {
  formatTokenKeys,
  newTokenKeys,
  publicPart,
  readTokenKeys,
  replaceTokenKeyFile,
  rotateTokenKeys,
  signToken,
} from '@hansard/credentials'
import type { Database } from '@hansard/sql'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { openStoreInTest, type StoreInTest } from '../store-in-test.ts'
import { openTokenKeys } from './token-keys.ts'

const NOW = Date.UTC(2026, 0, 2)
const HOUR = 60 * 60_000

describe.each(['sqlite', 'postgres'] as const)('token keys on %s', (dialect) => {
  let store: StoreInTest
  let db: Database
  let clock: ManualClock
  let directory: string
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'hansard-token-keys-'))
    store = await openStoreInTest(dialect)
    db = store.db
  })
  afterAll(async () => {
    await store?.close()
    await rm(directory, { recursive: true, force: true })
  })
  beforeEach(async () => {
    clock = new ManualClock(NOW)
    await db.knex('token_key').delete()
    await rm(join(directory, 'keys.json'), { force: true })
  })

  const keysIn = (file: string) => openTokenKeys({ db, clock, source: { file: join(directory, file) } })

  it('are created by the first service of a pool, and the private key is not in the database', async () => {
    const keys = await keysIn('keys.json')
    const token = await keys.sign({ id: 1 })
    const file = await readTokenKeys({ file: join(directory, 'keys.json') })
    const privateKey = file.signing!.privateKey.export({ type: 'pkcs8', format: 'der' })

    expect(await (await keysIn('keys.json')).verify(token)).toEqual({ id: 1 })
    const rows = JSON.stringify(await db.knex('token_key')) + JSON.stringify(await db.knex('pool_setting'))
    expect(rows).toContain(file.signing!.id)
    expect(rows).not.toContain(privateKey.subarray(-32).toString('base64url').slice(0, 40))
  })

  it('are not created again for a pool that has them: its other services would not trust them', async () => {
    await keysIn('keys.json')

    await expect(keysIn('other.json')).rejects.toThrow('other.json does not exist, and the pool has token keys')
  })

  it('rotate without ending sessions, also for a service with the previous public part', async () => {
    const path = join(directory, 'keys.json')
    const lookup = await keysIn('keys.json')
    const before = await lookup.sign({ id: 1 })
    const old = await readTokenKeys({ file: path })
    writeFileSync(join(directory, 'public.json'), formatTokenKeys(publicPart(old)), { mode: 0o600 })
    const channel = await keysIn('public.json')
    await replaceTokenKeyFile(path, rotateTokenKeys(old, { acceptedUntil: NOW + 12 * HOUR, now: NOW }))
    clock.advance({ seconds: 11 })

    const after = await lookup.sign({ id: 2 })

    clock.advance({ seconds: 1 })
    expect(after.slice(0, 16)).not.toBe(before.slice(0, 16))
    for (const service of [lookup, channel]) {
      expect(await service.verify(before)).toEqual({ id: 1 })
      expect(await service.verify(after)).toEqual({ id: 2 })
    }
    await expect(channel.sign({ id: 3 })).rejects.toThrow('no private key')
    clock.advance({ hours: 12 })
    for (const service of [lookup, channel]) expect(await service.verify(before)).toBeUndefined()
  })

  it('sign nothing any more when they were replaced and their time has ended', async () => {
    const path = join(directory, 'keys.json')
    const lookup = await keysIn('keys.json')
    const old = await readTokenKeys({ file: path })
    writeFileSync(join(directory, 'copy.json'), formatTokenKeys(old), { mode: 0o600 })
    const errors: unknown[] = []
    const source = { file: join(directory, 'copy.json') }
    const other = await openTokenKeys({ db, clock, source, onError: (error) => errors.push(error) })
    await replaceTokenKeyFile(path, rotateTokenKeys(old, { acceptedUntil: NOW + HOUR, now: NOW }))
    clock.advance({ seconds: 11 })
    await lookup.sign({ id: 1 })

    await other.sign({ id: 1 })
    clock.advance({ hours: 1 })

    await expect(other.sign({ id: 1 })).rejects.toThrow('its time has ended')
    expect(errors).toHaveLength(1)
    await lookup.sign({ id: 1 })
  })

  it('are published again when the database was away as they changed', async () => {
    const path = join(directory, 'keys.json')
    const lookup = await keysIn('keys.json')
    const rotated = rotateTokenKeys(await readTokenKeys({ file: path }), { acceptedUntil: NOW + HOUR, now: NOW })
    await replaceTokenKeyFile(path, rotated)
    await db.knex.schema.renameTable('token_key', 'token_key_away')
    clock.advance({ seconds: 11 })
    await lookup.sign({ id: 1 })
    await db.knex.schema.renameTable('token_key_away', 'token_key')
    clock.advance({ seconds: 11 })

    await lookup.sign({ id: 1 })

    expect(await db.knex('token_key').pluck('id')).toContain(rotated.signing!.id)
  })

  it('are not trusted from the database: a key planted there opens nothing', async () => {
    const lookup = await keysIn('keys.json')
    const mallory = newTokenKeys()
    const [own] = mallory.trusted
    const [known] = await db.knex('token_key')
    const forged = signToken({ id: 1, version: 1, session: 'x', expiresAt: NOW + HOUR }, mallory.signing!)
    await db.knex('token_key').insert({
      ...{
        id: own!.id,
        public_key: own!.publicKey,
        endorsed_by: known.id,
        endorsement: 'AAAA',
        accepted_until: null,
      },
    })
    clock.advance({ seconds: 11 })

    expect(await lookup.verify(forged)).toBeUndefined()
    await db.knex('token_key').where({ id: known.id }).update({ public_key: own!.publicKey })
    clock.advance({ seconds: 11 })
    expect(await lookup.verify(forged)).toBeUndefined()
    expect(await lookup.verify(`${known.id}${forged.slice(16)}`)).toBeUndefined()
    expect(await lookup.verify(await lookup.sign({ id: 2 }))).toEqual({ id: 2 })
  })
})
