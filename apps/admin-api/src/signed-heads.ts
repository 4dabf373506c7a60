import { hash } from 'node:crypto'
import { type SignedAuditHead, signedAuditHead } from '@hansard/evidence'
import { type AuditProblem, poolManifestTexts, type SealedHead, type SealedHeads, sealedHeads } from '@hansard/staging'

/** texts of pool manifests read at once */
const BATCH = 50

/** What signed pool manifests say of the audit trail. */
type SignedHeads = {
  readonly read: SealedHeads
  /** how many different heads had a valid signature, the newest of them, and the keys that signed them */
  found(): { heads: number; newest: (SignedAuditHead & { interval: number }) | null; keys: string[] }
}

/**
 * The heads of the audit trail in the pool's manifests, each with a valid signature. Anybody who owns the compliance
 * database can remove pool manifests from it, and can sign others with a key of their own: that is why the keys and the
 * newest head are shown.
 */
export function createSignedHeads(): SignedHeads {
  const keys = new Set<string>()
  let heads = 0
  let newest: (SignedAuditHead & { interval: number }) | null = null
  const verify = (
    sealed: SealedHead,
    files: readonly { name: string; content: string }[],
  ): AuditProblem | undefined => {
    const manifest = files.find(({ name }) => name.endsWith('.json'))
    const note = files.find(({ name }) => name.endsWith('.note'))
    const signed =
      manifest && note
        ? signedAuditHead({ ...manifest, sha256: hash('sha256', manifest.content, 'hex'), note: note.content })
        : 'not-signed'
    if (signed === 'not-signed' || signed?.number !== sealed.number || signed.head !== sealed.head) {
      const message = `The pool manifest of interval ${sealed.interval} in the compliance database is not the one that was signed.`
      return { what: 'unexpected', number: sealed.number, message }
    }
    heads += 1
    keys.add(signed.key)
    newest = { ...signed, interval: sealed.interval }
    return undefined
  }
  return {
    async read(db, range) {
      const all = await sealedHeads(db, range)
      for (let from = 0; from < all.length; from += BATCH) {
        const some = all.slice(from, from + BATCH)
        const texts = await poolManifestTexts(
          db,
          some.map(({ interval }) => interval),
        )
        for (const sealed of some) {
          const problem = verify(sealed, texts.get(sealed.interval) ?? [])
          if (problem) return problem
        }
      }
      return all
    },
    found: () => ({ heads, newest, keys: [...keys] }),
  }
}
