import { formatVerifierKey, isSignedBy, parseNote, parseVerifierKey } from '@hansard/signing'
import { type PoolManifest, parsePoolManifest, poolManifestStatement } from './pool-manifest.ts'

type AuditHead = NonNullable<PoolManifest['audit']>

/** Why the audit trail cannot be the one of the pool manifest before, or undefined. Records are only ever added. */
export function auditWentBack(now: AuditHead | undefined, before: AuditHead | undefined): string | undefined {
  if (!before) return undefined
  const had = `had ${before.number} records`
  if (!now) return `it does not name the audit trail, which ${had}`
  if (now.number < before.number) return `the audit trail has ${now.number} records, and ${had}`
  if (now.number === before.number && now.head !== before.head)
    return `record ${now.number} of the audit trail was another`
  return undefined
}

export type SignedAuditHead = AuditHead & {
  /** the end of the interval, in ISO 8601 */
  readonly at: string
  /** the public key that signed it */
  readonly key: string
}

/**
 * The head of the audit trail that a pool manifest holds, if the note beside it is a valid signature with the key that
 * it names. Whether that key is to be trusted is for the caller to say. Null: it is from before the trail was sealed.
 */
export function signedAuditHead({
  name,
  sha256,
  content,
  note,
}: {
  readonly name: string
  readonly sha256: string
  readonly content: string
  readonly note: string
}): SignedAuditHead | null | 'not-signed' {
  const parsed = parsePoolManifest(content)
  const signed = parseNote(note)
  if (parsed.outcome !== 'parsed' || !signed) return 'not-signed'
  const { audit, interval, key: named } = parsed.manifest
  const key = parseVerifierKey(named)
  if (!key || isSignedBy(signed, key) !== 'valid' || signed.text !== poolManifestStatement(name, sha256))
    return 'not-signed'
  return audit ? { ...audit, at: interval.end, key: formatVerifierKey(key) } : null
}
