import { keyNameProblem, type NoteKey, signBytes, type VerifierKey, verifyBytes } from './note-key.ts'

/**
 * Signed notes (c2sp.org/signed-note): a text, an empty line, and one line for each signature.
 *
 *     — <name> <base64 of the key's id and the signature>
 *
 * What is signed is the text, its last line break included, as UTF-8.
 */
type SignedNote = { readonly text: string; readonly signatures: readonly NoteSignature[] }
type NoteSignature = { readonly name: string; readonly id: string; readonly signature: Uint8Array }

const NOTE_CHARACTERS_MAX = 1_000_000
const SIGNATURES_MAX = 100

export function signNote(text: string, ...keys: readonly NoteKey[]): string {
  if (!isNoteText(text)) throw new Error('The text of a note ends with a line break and holds no control character.')
  const bytes = Buffer.from(text)
  const lines = keys.map((key) => {
    const { name, id } = key.verifier
    const signature = Buffer.concat([Buffer.from(id, 'hex'), signBytes(key, bytes)])
    return `— ${name} ${signature.toString('base64')}\n`
  })
  return `${text}\n${lines.join('')}`
}

/** The parts of a note, or undefined for a text that is none. Nothing is verified yet. */
export function parseNote(note: string): SignedNote | undefined {
  if (note.length > NOTE_CHARACTERS_MAX || !note.isWellFormed() || !note.endsWith('\n')) return undefined
  const cut = note.lastIndexOf('\n\n')
  if (cut === -1) return undefined
  const text = note.slice(0, cut + 1)
  const lines = note.slice(cut + 2, -1).split('\n')
  if (!isNoteText(text) || lines.length > SIGNATURES_MAX) return undefined
  const signatures: NoteSignature[] = []
  for (const line of lines) {
    const [, name, base64] = /^— (\S+) ([A-Za-z0-9+/]+={0,2})$/u.exec(line) ?? []
    if (!name || !base64 || keyNameProblem(name)) return undefined
    const bytes = Buffer.from(base64, 'base64')
    if (bytes.length < 5 || bytes.toString('base64') !== base64) return undefined
    signatures.push({ name, id: bytes.toString('hex', 0, 4), signature: Uint8Array.from(bytes.subarray(4)) })
  }
  return { text, signatures }
}

/**
 * `valid`: the key has signed it. `absent`: none of the signatures is of this key. `invalid`: one claims to be and is
 * not, so the note was altered or forged.
 */
export function isSignedBy({ text, signatures }: SignedNote, key: VerifierKey): 'valid' | 'invalid' | 'absent' {
  const claimed = signatures.filter(({ name, id }) => name === key.name && id === key.id)
  if (claimed.length === 0) return 'absent'
  return claimed.every(({ signature }) => verifyBytes(key, Buffer.from(text), signature)) ? 'valid' : 'invalid'
}

function isNoteText(text: string): boolean {
  return text.endsWith('\n') && text.isWellFormed() && !/(?!\n)\p{Cc}/u.test(text)
}
