import type { NoteKey, VerifierKey } from './note-key.ts'
import {
  formatSigningKey,
  formatVerifierKey,
  isSame,
  KeyProblem,
  newSigningKey,
  parseSigningKey,
  parseVerifierKey,
} from './note-key.ts'
import { isSignedBy, parseNote, signNote } from './signed-note.ts'

/**
 * The content of a key file: the key that signs now, and how it came to sign. A succession is a note that names the
 * old and the new key and is signed by both, so anybody who trusts an old key can trust the new one.
 */
export type SigningKeys = { readonly signing: NoteKey; readonly successions: readonly string[] }

const FORMAT = 'hansard-signing-keys-1'
const SUCCESSION = 'hansard-key-succession/1'

export function newSigningKeys(name: string): SigningKeys {
  return { signing: newSigningKey(name), successions: [] }
}

/** A new key in the place of the old one, which signs it. */
export function replaceSigningKey({ signing, successions }: SigningKeys): SigningKeys {
  const next = newSigningKey(signing.verifier.name)
  const text = `${SUCCESSION}\n${formatVerifierKey(signing.verifier)}\n${formatVerifierKey(next.verifier)}\n`
  return { signing: next, successions: [...successions, signNote(text, signing, next)] }
}

/** The keys that a succession note names, or undefined unless both have signed it. */
export function readSuccession(note: string): { readonly from: VerifierKey; readonly to: VerifierKey } | undefined {
  const parsed = parseNote(note)
  const [format, old, next, ...rest] = parsed?.text.split('\n') ?? []
  if (!parsed || format !== SUCCESSION || !old || !next || rest.join() !== '') return undefined
  try {
    const from = parseVerifierKey(old)
    const to = parseVerifierKey(next)
    return isSignedBy(parsed, from) === 'valid' && isSignedBy(parsed, to) === 'valid' ? { from, to } : undefined
  } catch {
    return undefined
  }
}

/** `start` and every key that successions lead to from it, or, the other way, every key that led to it. */
export function successorsOf(
  start: VerifierKey,
  successions: readonly string[],
  { backwards = false }: { backwards?: boolean } = {},
): VerifierKey[] {
  const found = [start]
  const links = successions
    .map(readSuccession)
    .map((link) => (link && backwards ? { from: link.to, to: link.from } : link))
  // The array grows while it is walked; a key that is in it already ends a circle.
  for (const key of found)
    for (const link of links)
      if (link && isSame(link.from, key) && !found.some((each) => isSame(each, link.to))) found.push(link.to)
  return found
}

export function formatSigningKeys({ signing, successions }: SigningKeys): string {
  return `${JSON.stringify({ format: FORMAT, signing: formatSigningKey(signing), successions }, null, 2)}\n`
}

/** Reads what `formatSigningKeys` wrote. The message of its `KeyProblem` holds nothing of the text. */
export function parseSigningKeys(text: string): SigningKeys {
  let value: { format?: unknown; signing?: unknown; successions?: unknown } | null
  try {
    value = JSON.parse(text)
  } catch {
    throw new KeyProblem('is not a signing key file.')
  }
  const { format, signing, successions } = value ?? {}
  if (format !== FORMAT || typeof signing !== 'string' || !Array.isArray(successions))
    throw new KeyProblem('is not a signing key file.')
  if (!successions.every((note) => typeof note === 'string' && readSuccession(note)))
    throw new KeyProblem('is a signing key file with a succession that its keys have not signed.')
  return { signing: parseSigningKey(signing), successions }
}
