import { describe, expect, it } from 'vitest'
import {
  hashPassword,
  keySecret,
  newKey,
  newTokenKeys,
  signToken,
  trustedKeys,
  verifySecret,
  verifyToken,
} from './index.ts'

describe('a password', () => {
  it('is recognised, and no other is', async () => {
    const secret = await hashPassword('correct horse')

    expect(await verifySecret('correct horse', secret)).toBe(true)
    expect(await verifySecret('correct horsf', secret)).toBe(false)
    expect(await verifySecret('', secret)).toBe(false)
  })

  it('is stored with a new salt each time, and never in clear', async () => {
    const [one, two] = await Promise.all([hashPassword('correct horse'), hashPassword('correct horse')])

    expect(one).not.toBe(two)
    expect(one).not.toContain('horse')
  })

  it('is never correct for an account that does not exist', async () => {
    expect(await verifySecret('', undefined)).toBe(false)
    expect(await verifySecret('\u0001'.repeat(32), undefined)).toBe(false)
  })
})

describe('what a check costs', () => {
  it('depends on the candidate, and not on the existence of the account or its secret', async () => {
    const stored = [await hashPassword('correct horse'), keySecret(newKey()), undefined]
    // Seen without a clock: while two derivations are under way, whatever is to be stretched waits, and nothing else
    // does.
    const busy = [hashPassword('one that keeps'), hashPassword('the place taken')]
    const done: string[] = []
    const check = (kind: string, candidate: string) =>
      stored.map(async (secret, n) => {
        await verifySecret(candidate, secret)
        done.push(`${kind} ${n}`)
      })
    const checks = [...check('password', 'a wrong password'), ...check('key', newKey())]
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve()

    expect(done).toEqual(['key 0', 'key 1', 'key 2'])
    await Promise.all([...busy, ...checks])
    expect(done).toHaveLength(6)
  })

  it('still recognises a key that an early pool stretched', async () => {
    const key = newKey()
    const stored = (await hashPassword(key)).replace('scrypt$', 'stretched-key$')

    expect(await verifySecret(key, stored)).toBe(true)
    expect(await verifySecret(newKey(), stored)).toBe(false)
  })
})

describe('a generated key', () => {
  it('is recognised, and no other is', async () => {
    const key = newKey()

    expect(await verifySecret(key, keySecret(key))).toBe(true)
    expect(await verifySecret(newKey(), keySecret(key))).toBe(false)
  })

  it('is not in the stored value, and the stored value is no valid key', async () => {
    const key = newKey()
    const stored = keySecret(key)

    expect(stored).not.toContain(key)
    expect(await verifySecret(stored, stored)).toBe(false)
  })
})

describe('a token', () => {
  const { signing, trusted } = newTokenKeys()
  const key = (keys: typeof trusted) => [...trustedKeys(keys, [], 0).values()][0]!.key
  const token = signToken({ id: 7 }, signing!)

  it('contains what was signed', () => {
    expect(verifyToken(token, key(trusted))).toEqual({ id: 7 })
  })

  it('is refused when it was altered, truncated or signed with another key', () => {
    const [id, payload, signature] = token.split('.') as [string, string, string]
    const forged = Buffer.from('{"id":1}').toString('base64url')

    expect(verifyToken(`${id}.${forged}.${signature}`, key(trusted))).toBeUndefined()
    expect(verifyToken(`${'A'.repeat(16)}.${payload}.${signature}`, key(trusted))).toBeUndefined()
    expect(verifyToken(`${id}.${payload}.`, key(trusted))).toBeUndefined()
    expect(verifyToken(`${token.slice(0, -1)}${token.endsWith('_') ? '-' : '_'}`, key(trusted))).toBeUndefined()
    expect(verifyToken(payload, key(trusted))).toBeUndefined()
    expect(verifyToken(`${id}.${payload}.${signature.slice(0, -4)}`, key(trusted))).toBeUndefined()
    expect(verifyToken(token, key(newTokenKeys().trusted))).toBeUndefined()
    expect(verifyToken('', key(trusted))).toBeUndefined()
  })
})
