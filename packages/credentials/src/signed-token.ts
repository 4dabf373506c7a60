import { type KeyObject, sign, verify } from 'node:crypto'
import type { SigningKey } from './token-keys.ts'

/**
 * A token that says something and cannot be altered: `<key id>.<base64url JSON>.<base64url Ed25519 signature>`.
 * The signature covers the first two parts. Every service verifies by itself and asks no other about a session.
 */
export function signToken(claims: Readonly<Record<string, unknown>>, { id, privateKey }: SigningKey): string {
  const signed = `${id}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}`
  return `${signed}.${sign(null, Buffer.from(signed), privateKey).toString('base64url')}`
}

/** The id of the key that a text claims to be signed with; undefined when it is no token. */
export function keyIdOf(token: string): string | undefined {
  return /^([A-Za-z0-9_-]{16})\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{86}$/.exec(token)?.[1]
}

/** The claims of a token that this key signed, or undefined. Says nothing of whether it has expired. */
export function verifyToken(token: string, key: KeyObject): Record<string, unknown> | undefined {
  if (keyIdOf(token) === undefined) return undefined
  const dot = token.lastIndexOf('.')
  const signed = token.slice(0, dot)
  const signature = Buffer.from(token.slice(dot + 1), 'base64url')
  // The last character has bits to spare: a token is what was signed, and no other text that decodes to the same.
  if (signature.toString('base64url') !== token.slice(dot + 1)) return undefined
  if (!verify(null, Buffer.from(signed), key, signature)) return undefined
  return JSON.parse(Buffer.from(signed.slice(signed.indexOf('.') + 1), 'base64url').toString()) as Record<
    string,
    unknown
  >
}
