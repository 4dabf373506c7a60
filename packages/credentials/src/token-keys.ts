import { createPrivateKey, createPublicKey, generateKeyPairSync, hash, type KeyObject, sign, verify } from 'node:crypto'

/**
 * The keys that session tokens are signed with: Ed25519.
 *
 * The danger: someone who can sign tokens can act as anyone in the pool. So no database holds the private key, and no
 * public key is trusted because a database holds it: a verifier starts from the public keys of its own key file and
 * accepts another key only with an endorsement, a signature over it by a key that is accepted already. Someone who can
 * write to the database can remove keys, which signs everyone out, but can add none.
 */
export type TokenKeyFile = {
  /** undefined in a file for services that only verify */
  readonly signing: SigningKey | undefined
  /** what the owner of the file trusts, the signing key's own public half among them */
  readonly trusted: readonly PublicTokenKey[]
}
export type SigningKey = { readonly id: string; readonly privateKey: KeyObject }
export type PublicTokenKey = {
  readonly id: string
  /** SPKI, DER, base64url */
  readonly publicKey: string
  /** the key that signed this one when it took its place */
  readonly endorsement: { readonly by: string; readonly signature: string } | undefined
  /** milliseconds since 1970; undefined: as long as it is not replaced */
  readonly acceptedUntil: number | undefined
}

/** A first pair of keys. */
export function newTokenKeys(): TokenKeyFile {
  const { privateKey, publicKey } = newPair()
  return {
    signing: { id: publicKey.id, privateKey },
    trusted: [{ ...publicKey, endorsement: undefined, acceptedUntil: undefined }],
  }
}

/**
 * A new signing key in the place of the one there is. The old one endorses it, and is accepted until `acceptedUntil`.
 * `compromised`: somebody else may have the old key, so it is not accepted any more and endorses nothing.
 */
export function rotateTokenKeys(
  { signing, trusted }: TokenKeyFile,
  options: { readonly acceptedUntil: number; readonly now: number } | { readonly compromised: true },
): TokenKeyFile {
  if (!signing) throw new TokenKeyProblem('The file holds no private key, so its key cannot be replaced.')
  const { privateKey, publicKey } = newPair()
  if ('compromised' in options) {
    return {
      signing: { id: publicKey.id, privateKey },
      trusted: [{ ...publicKey, endorsement: undefined, acceptedUntil: undefined }],
    }
  }
  const endorsement = {
    by: signing.id,
    signature: sign(null, endorsed(publicKey), signing.privateKey).toString('base64url'),
  }
  const { acceptedUntil, now } = options
  // A key whose time has ended is dropped: someone who finds it must not be able to endorse another with it.
  const kept = trusted
    .filter((key) => !hasEnded(key, now))
    .map((key) => (key.acceptedUntil === undefined ? { ...key, acceptedUntil } : key))
  return {
    signing: { id: publicKey.id, privateKey },
    trusted: [{ ...publicKey, endorsement, acceptedUntil: undefined }, ...kept],
  }
}

/** Without the private key: what services that only verify are given. */
export function publicPart({ trusted }: TokenKeyFile): TokenKeyFile {
  return { signing: undefined, trusted }
}

/**
 * What `from` trusts, and those of `offered` that a chain of endorsements ties to it. A key whose time has ended
 * endorses nothing: it may have been found on an old disk since. So a file that is older than its last key's time must
 * be replaced.
 */
export function trustedKeys(
  from: readonly PublicTokenKey[],
  offered: readonly PublicTokenKey[],
  now: number,
): ReadonlyMap<string, { readonly key: KeyObject; readonly acceptedUntil: number | undefined }> {
  const accepted = new Map(from.map((key) => [key.id, { key: publicKeyOf(key), acceptedUntil: key.acceptedUntil }]))
  // A key that was replaced since this file was written: the end of its time is in the database alone.
  const ends = new Map(offered.map(({ id, acceptedUntil }) => [id, acceptedUntil]))
  for (const [id, known] of accepted)
    if (known.acceptedUntil === undefined) accepted.set(id, { ...known, acceptedUntil: ends.get(id) })
  const left = offered.filter(({ id }) => !accepted.has(id))
  for (let found = true; found; ) {
    found = false
    for (const candidate of left) {
      const endorser = candidate.endorsement && accepted.get(candidate.endorsement.by)
      if (!endorser || hasEnded(endorser, now)) continue
      if (accepted.has(candidate.id) || !isEndorsed(candidate, endorser.key)) continue
      accepted.set(candidate.id, { key: publicKeyOf(candidate), acceptedUntil: candidate.acceptedUntil })
      found = true
    }
  }
  return accepted
}

function hasEnded({ acceptedUntil }: { readonly acceptedUntil: number | undefined }, now: number): boolean {
  return acceptedUntil !== undefined && acceptedUntil <= now
}

function isEndorsed(candidate: PublicTokenKey, endorser: KeyObject): boolean {
  try {
    if (idOf(Buffer.from(candidate.publicKey, 'base64url')) !== candidate.id) return false
    return verify(null, endorsed(candidate), endorser, Buffer.from(candidate.endorsement!.signature, 'base64url'))
  } catch {
    return false
  }
}

const PURPOSE = 'hansard token key endorsement 1'

/** The purpose is signed too: a token can never be taken for an endorsement. */
function endorsed({ id, publicKey }: { id: string; publicKey: string }): Buffer {
  return Buffer.from(`${PURPOSE}\n${id}\n${publicKey}`)
}

function newPair(): { privateKey: KeyObject; publicKey: { id: string; publicKey: string } } {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const der = publicKey.export({ type: 'spki', format: 'der' })
  return { privateKey, publicKey: { id: idOf(der), publicKey: der.toString('base64url') } }
}

/** 96 bits of the SHA-256 of the public key: an id cannot be given to another key. */
function idOf(der: Buffer): string {
  return hash('sha256', der, 'buffer').subarray(0, 12).toString('base64url')
}

function publicKeyOf({ id, publicKey }: PublicTokenKey): KeyObject {
  const der = Buffer.from(publicKey, 'base64url')
  if (idOf(der) !== id) throw new TokenKeyProblem(`The public key ${id} is not the one of that id.`)
  return createPublicKey({ key: der, type: 'spki', format: 'der' })
}

const FORMAT = 'hansard-token-keys-1'

/** The text of a key file. */
export function formatTokenKeys({ signing, trusted }: TokenKeyFile): string {
  const value = {
    format: FORMAT,
    ...(signing && {
      signing: {
        id: signing.id,
        privateKey: signing.privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64url'),
      },
    }),
    trusted,
  }
  return `${JSON.stringify(value, null, 2)}\n`
}

/** Reads what `formatTokenKeys` wrote. Throws a `TokenKeyProblem` that says what is wrong and holds nothing of the text. */
export function parseTokenKeys(text: string): TokenKeyFile {
  try {
    const value = JSON.parse(text)
    if (value.format !== FORMAT || !Array.isArray(value.trusted) || value.trusted.length === 0) throw new Error()
    const trusted: PublicTokenKey[] = value.trusted.map((key: PublicTokenKey) => ({
      id: key.id,
      publicKey: key.publicKey,
      endorsement: key.endorsement,
      acceptedUntil: key.acceptedUntil,
    }))
    for (const key of trusted) publicKeyOf(key)
    if (value.signing === undefined) return { signing: undefined, trusted }
    const der = Buffer.from(value.signing.privateKey, 'base64url')
    const privateKey = createPrivateKey({ key: der, type: 'pkcs8', format: 'der' })
    const id = idOf(createPublicKey(privateKey).export({ type: 'spki', format: 'der' }))
    if (id !== value.signing.id || !trusted.some((key) => key.id === id)) throw new Error()
    return { signing: { id, privateKey }, trusted }
  } catch {
    throw new TokenKeyProblem('is not a token key file. `hansard keys new` makes one.')
  }
}

/** The token keys cannot be used: somebody must give the service others. */
export class TokenKeyProblem extends Error {
  override name = 'TokenKeyProblem'
  readonly exitCode = 2
}
