import { createHash } from 'node:crypto'
import { LogCheckpoint } from '@sigstore/verify/dist/tlog/checkpoint.js'
import { verifyMerkleInclusion } from '@sigstore/verify/dist/tlog/merkle.js'
import { describe, expect, it } from 'vitest'
import { formatCheckpoint } from './checkpoint.ts'
import { inclusionProof, rootOfProof } from './inclusion-proof.ts'
import { addLeaf, EMPTY_TREE, leafHash, rootOf, type TreeFrontier } from './merkle-tree.ts'

const SIZE_MAX = 40
const lines = Array.from({ length: SIZE_MAX }, (_, at) => `line ${at}`)
const leaves = lines.map((line) => leafHash(line))
const frontierAt = (size: number): TreeFrontier => leaves.slice(0, size).reduce(addLeaf, EMPTY_TREE)

/** Sigstore's verifier of transparency logs. It throws. */
function sigstoreVerifies(line: string, index: number, size: number, hashes: readonly Uint8Array[], root: Uint8Array) {
  const checkpoint = LogCheckpoint.fromString(formatCheckpoint({ origin: 'hansard/pool', size, root }))
  const inclusionProof = {
    logIndex: String(index),
    treeSize: String(size),
    hashes: hashes.map((hash) => Buffer.from(hash)),
  }
  const entry = { canonicalizedBody: Buffer.from(line), inclusionProof }
  verifyMerkleInclusion(entry as unknown as Parameters<typeof verifyMerkleInclusion>[0], checkpoint)
}

/** PATH of RFC 6962, 2.1.1, as it is written there. */
function pathByDefinition(m: number, data: readonly Uint8Array[]): Uint8Array[] {
  if (data.length === 1) return []
  let k = 1
  while (k * 2 < data.length) k *= 2
  return m < k
    ? [...pathByDefinition(m, data.slice(0, k)), rootByDefinition(data.slice(k))]
    : [...pathByDefinition(m - k, data.slice(k)), rootByDefinition(data.slice(0, k))]
}
function rootByDefinition(data: readonly Uint8Array[]): Uint8Array {
  if (data.length === 1) return data[0]!
  let k = 1
  while (k * 2 < data.length) k *= 2
  const children = [Buffer.of(1), rootByDefinition(data.slice(0, k)), rootByDefinition(data.slice(k))]
  return createHash('sha256').update(Buffer.concat(children)).digest()
}

describe('an inclusion proof', () => {
  it('is the path of the definition, whatever of the tree is known only by its frontier', () => {
    let checked = 0
    const max = 20
    for (let size = 1; size <= max; size++)
      for (let known = 0; known < size; known++)
        for (let index = known; index < size; index++) {
          const path = inclusionProof(frontierAt(known), leaves.slice(known, size), index)
          expect(path.map(({ hash }) => Buffer.from(hash))).toEqual(
            pathByDefinition(index, leaves.slice(0, size)).map((hash) => Buffer.from(hash)),
          )
          checked += 1
        }
    expect(checked).toBe((max * (max + 1) * (max + 2)) / 6)
  })

  it('leads to the root of the checkpoint for us and for Sigstore, and for neither with another leaf, place or hash', () => {
    for (let size = 1; size <= SIZE_MAX; size++) {
      const root = rootOf(frontierAt(size))
      for (let index = 0; index < size; index++) {
        const path = inclusionProof(EMPTY_TREE, leaves.slice(0, size), index)
        const hashes = path.map(({ hash }) => hash)
        expect(Buffer.from(rootOfProof(leaves[index]!, path))).toEqual(Buffer.from(root))
        sigstoreVerifies(lines[index]!, index, size, hashes, root)

        expect(() => sigstoreVerifies(`${lines[index]}.`, index, size, hashes, root)).toThrow('calculated root hash')
        if (size === 1) continue
        const wrong = hashes.map((hash, at) => (at === 0 ? hash.map((byte) => byte ^ 1) : hash))
        expect(() => sigstoreVerifies(lines[index]!, index, size, wrong, root)).toThrow('calculated root hash')
        const flipped = path.map((step, at) => ({ ...step, hash: wrong[at]! }))
        expect(Buffer.from(rootOfProof(leaves[index]!, flipped))).not.toEqual(Buffer.from(root))
      }
    }
  })

  it('is refused for a leaf that is known only by the frontier, or is not there', () => {
    expect(() => inclusionProof(frontierAt(3), leaves.slice(3, 8), 2)).toThrow(RangeError)
    expect(() => inclusionProof(frontierAt(3), leaves.slice(3, 8), 8)).toThrow(RangeError)
  })
})
