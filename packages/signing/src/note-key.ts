import { createPrivateKey, createPublicKey, generateKeyPairSync, hash, type KeyObject, sign, verify } from 'node:crypto'

/**
 * Ed25519 keys of signed notes (c2sp.org/signed-note), in the text forms that other tools read.
 *
 *     <name>+<hash>+<base64 of 0x01 and the public key>                a verifier key
 *     PRIVATE+KEY+<name>+<hash>+<base64 of 0x01 and the seed>          a signing key
 *
 * `hash` is the key's id: the first four bytes of SHA-256( name, line break, 0x01, public key ), in hexadecimal. The id
 * finds the key of a signature; it proves nothing.
 */
export type VerifierKey = {
  readonly name: string
  /** eight hexadecimal digits */
  readonly id: string
  /** 32 bytes */
  readonly publicKey: Uint8Array
}
export type NoteKey = { readonly verifier: VerifierKey; readonly privateKey: KeyObject }

/** What a key or a note says cannot be used. The message holds nothing of a private key. */
export class KeyProblem extends Error {
  override name = 'KeyProblem'
  readonly exitCode = 2
}

const ED25519 = 1
// The DER that precedes the 32 bytes of an Ed25519 key: RFC 8410.
const SPKI = Buffer.from('302a300506032b6570032100', 'hex')
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex')

export function newSigningKey(name: string): NoteKey {
  const { privateKey } = generateKeyPairSync('ed25519')
  return signingKeyOf(name, privateKey)
}

export function formatVerifierKey({ name, id, publicKey }: VerifierKey): string {
  return `${name}+${id}+${Buffer.of(ED25519, ...publicKey).toString('base64')}`
}

export function formatSigningKey({ verifier: { name, id }, privateKey }: NoteKey): string {
  const seed = privateKey.export({ type: 'pkcs8', format: 'der' }).subarray(PKCS8.length)
  return `PRIVATE+KEY+${name}+${id}+${Buffer.concat([Buffer.of(ED25519), seed]).toString('base64')}`
}

export function parseVerifierKey(text: string): VerifierKey {
  const [name, id, ...rest] = text.split('+')
  const bytes = decoded(rest.join('+'))
  if (!name || !id || keyNameProblem(name) || bytes === undefined)
    throw new KeyProblem(`is not a verifier key, NAME+HASH+BASE64.`)
  const publicKey = bytes.subarray(1)
  if (id !== keyId(name, publicKey)) throw new KeyProblem('is not whole: the hash in it is not that of its key.')
  return { name, id, publicKey: Uint8Array.from(publicKey) }
}

export function parseSigningKey(text: string): NoteKey {
  const [first, second, name, id, ...rest] = text.split('+')
  const bytes = decoded(rest.join('+'))
  if (first !== 'PRIVATE' || second !== 'KEY' || !name || !id || keyNameProblem(name) || bytes === undefined)
    throw new KeyProblem('is not a signing key, PRIVATE+KEY+NAME+HASH+BASE64.')
  const key = Buffer.concat([PKCS8, bytes.subarray(1)])
  const found = signingKeyOf(name, createPrivateKey({ key, format: 'der', type: 'pkcs8' }))
  if (found.verifier.id !== id) throw new KeyProblem('is not whole: the hash in it is not that of its key.')
  return found
}

export function isSame(one: VerifierKey, other: VerifierKey): boolean {
  return formatVerifierKey(one) === formatVerifierKey(other)
}

/** Why a key cannot have this name, or undefined. */
export function keyNameProblem(name: string): string | undefined {
  if (name === '') return 'is empty'
  if (/[\s+\p{Cc}]/u.test(name)) return 'holds a space, a plus or a control character'
  return name.isWellFormed() ? undefined : 'is not valid Unicode'
}

export function signBytes({ privateKey }: NoteKey, bytes: Uint8Array): Uint8Array {
  return sign(null, bytes, privateKey)
}

export function verifyBytes({ publicKey }: VerifierKey, bytes: Uint8Array, signature: Uint8Array): boolean {
  try {
    const key = createPublicKey({ key: Buffer.concat([SPKI, publicKey]), format: 'der', type: 'spki' })
    return signature.length === 64 && verify(null, bytes, key, signature)
  } catch {
    // 32 bytes that are no point of the curve
    return false
  }
}

function signingKeyOf(name: string, privateKey: KeyObject): NoteKey {
  const problem = keyNameProblem(name)
  if (problem !== undefined) throw new KeyProblem(`The name of a key ${problem}.`)
  const der = createPublicKey(privateKey).export({ type: 'spki', format: 'der' })
  const publicKey = Uint8Array.from(der.subarray(SPKI.length))
  return { verifier: { name, id: keyId(name, publicKey), publicKey }, privateKey }
}

function keyId(name: string, publicKey: Uint8Array): string {
  return hash('sha256', Buffer.concat([Buffer.from(`${name}\n`), Buffer.of(ED25519), publicKey]), 'hex').slice(0, 8)
}

/** The 33 bytes, or undefined for anything that is not exactly their base64. */
function decoded(base64: string): Uint8Array | undefined {
  const bytes = Buffer.from(base64, 'base64')
  return bytes.length === 33 && bytes[0] === ED25519 && bytes.toString('base64') === base64 ? bytes : undefined
}
