export { formatCheckpoint, parseCheckpoint } from './checkpoint.ts'
export { inclusionProof } from './inclusion-proof.ts'
export { addLeaf, EMPTY_TREE, leafHash, rootOf, type TreeFrontier } from './merkle-tree.ts'
export { formatVerifierKey, isSame, KeyProblem, parseVerifierKey, type VerifierKey } from './note-key.ts'
export { isSignedBy, parseNote, signNote } from './signed-note.ts'
export {
  formatSigningKeys,
  newSigningKeys,
  parseSigningKeys,
  readSuccession,
  replaceSigningKey,
  type SigningKeys,
  successorsOf,
} from './signing-keys.ts'
