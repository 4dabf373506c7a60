import { nodeHash, type TreeFrontier } from './merkle-tree.ts'

/** One step from a leaf to the root: the hash beside the one reached so far, and on which side of it. */
type ProofStep = { readonly side: 'left' | 'right'; readonly hash: Uint8Array }

/**
 * The audit path of a leaf (RFC 6962, 2.1.1), from the leaf to the root. Only the leaves from `before` on are needed:
 * everything before them is in its frontier. `index` counts all leaves of the tree from 0.
 */
export function inclusionProof(
  before: TreeFrontier,
  leaves: readonly Uint8Array[],
  index: number,
): readonly ProofStep[] {
  const size = before.size + leaves.length
  if (index < before.size || index >= size)
    throw new RangeError(`Leaf ${index} is not among those from ${before.size} on.`)
  const known = perfectSubtrees(before)

  function rootOfRange(start: number, count: number): Uint8Array {
    const root = known.get(`${start} ${count}`)
    if (root) return root
    if (count === 1) return leaves[start - before.size]!
    const left = leftCount(count)
    return nodeHash(rootOfRange(start, left), rootOfRange(start + left, count - left))
  }
  const path: ProofStep[] = []
  for (let start = 0, count = size; count > 1; ) {
    const left = leftCount(count)
    if (index < start + left) {
      path.push({ side: 'right', hash: rootOfRange(start + left, count - left) })
      count = left
    } else {
      path.push({ side: 'left', hash: rootOfRange(start, left) })
      start += left
      count -= left
    }
  }
  return path.reverse()
}

/** The root that a leaf and its path lead to. */
export function rootOfProof(leaf: Uint8Array, path: readonly ProofStep[]): Uint8Array {
  return path.reduce((node, { side, hash }) => (side === 'left' ? nodeHash(hash, node) : nodeHash(node, hash)), leaf)
}

/** The roots of a frontier, by the first leaf and the number of leaves of each. */
function perfectSubtrees({ size, roots }: TreeFrontier): ReadonlyMap<string, Uint8Array> {
  const found = new Map<string, Uint8Array>()
  let start = 0
  for (const root of roots) {
    const count = leftCount(size - start + 1)
    found.set(`${start} ${count}`, root)
    start += count
  }
  return found
}

/** The greatest power of two that is smaller than `count`: as many leaves has the left subtree. */
function leftCount(count: number): number {
  let left = 1
  while (left * 2 < count) left *= 2
  return left
}
