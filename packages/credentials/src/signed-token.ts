import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

/**
 * A token that says something and cannot be altered: `base64url(JSON).base64url(HMAC-SHA-256)`.
 * Every service of a pool holds the same signing key, so none has to ask another about a session.
 */
export function signToken(claims: Readonly<Record<string, unknown>>, signingKey: string): string {
  const payload = Buffer.from(JSON.stringify(claims)).toString('base64url')
  return `${payload}.${mac(payload, signingKey).toString('base64url')}`
}

/** The claims of a genuine token, or undefined. Says nothing of whether it has expired. */
export function verifyToken(token: string, signingKey: string): Record<string, unknown> | undefined {
  const dot = token.indexOf('.')
  if (dot < 0) return undefined
  const payload = token.slice(0, dot)
  const given = Buffer.from(token.slice(dot + 1), 'base64url')
  const expected = mac(payload, signingKey)
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined
  return JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>
}

export function newSigningKey(): string {
  return randomBytes(32).toString('base64url')
}

function mac(payload: string, signingKey: string): Buffer {
  return createHmac('sha256', Buffer.from(signingKey, 'base64url')).update(payload).digest()
}
