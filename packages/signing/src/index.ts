export { type Checkpoint, formatCheckpoint, parseCheckpoint } from './checkpoint.ts'
export { addLeaf, EMPTY_TREE, leafHash, nodeHash, rootOf, type TreeFrontier } from './merkle-tree.ts'
export {
  formatSigningKey,
  formatVerifierKey,
  KeyProblem,
  newSigningKey,
  parseSigningKey,
  parseVerifierKey,
  type SigningKey,
  type VerifierKey,
} from './note-key.ts'
export { isSignedBy, type NoteSignature, parseNote, type SignedNote, signNote } from './signed-note.ts'
