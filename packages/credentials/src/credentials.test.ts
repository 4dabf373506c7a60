import { ManualClock } from '@hansard/clock'
import { describe, expect, it } from 'vitest'
import {
  createAttemptLimiter,
  hashPassword,
  keySecret,
  newKey,
  newSigningKey,
  signToken,
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
  const signingKey = newSigningKey()
  const token = signToken({ id: 7 }, signingKey)

  it('contains what was signed', () => {
    expect(verifyToken(token, signingKey)).toEqual({ id: 7 })
  })

  it('is refused when it was altered, truncated or signed with another key', () => {
    const [payload, mac] = token.split('.') as [string, string]
    const forged = Buffer.from('{"id":1}').toString('base64url')

    expect(verifyToken(`${forged}.${mac}`, signingKey)).toBeUndefined()
    expect(verifyToken(`${payload}.`, signingKey)).toBeUndefined()
    expect(verifyToken(payload, signingKey)).toBeUndefined()
    expect(verifyToken(`${payload}.${mac.slice(0, -4)}`, signingKey)).toBeUndefined()
    expect(verifyToken(token, newSigningKey())).toBeUndefined()
    expect(verifyToken('', signingKey)).toBeUndefined()
  })
})

describe('the attempt limiter', () => {
  const limiterOf = (options: { failuresMax: number; keysMax?: number }) => {
    const clock = new ManualClock(1_000)
    return { clock, limiter: createAttemptLimiter({ clock, windowMs: 60_000, ...options }) }
  }

  it('refuses a key after too many failures, until the window ends', () => {
    const { clock, limiter } = limiterOf({ failuresMax: 2 })
    limiter.failed('alice')
    expect(limiter.waitMs('alice')).toBe(0)
    limiter.failed('alice')
    clock.advance({ seconds: 20 })
    expect(limiter.waitMs('alice')).toBe(40_000)
    expect(limiter.waitMs('bob')).toBe(0)

    clock.advance({ seconds: 40 })

    expect(limiter.waitMs('alice')).toBe(0)
  })

  it('resets after a success', () => {
    const { limiter } = limiterOf({ failuresMax: 1 })
    limiter.failed('alice')

    limiter.takenBack('alice')

    expect(limiter.waitMs('alice')).toBe(0)
  })

  it('keeps a bounded number of keys, the most recent ones', () => {
    const { limiter } = limiterOf({ failuresMax: 1, keysMax: 2 })
    for (const key of ['a', 'b', 'c']) limiter.failed(key)

    expect(['a', 'b', 'c'].map((key) => limiter.waitMs(key) > 0)).toEqual([false, true, true])
  })
})
