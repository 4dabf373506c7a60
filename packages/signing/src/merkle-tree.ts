import { createHash } from 'node:crypto'

/**
 * The Merkle tree of RFC 6962, section 2.1: leaves are hashed with 0x00 before them, nodes with 0x01.
 *
 * A tree that only grows is described by its frontier: the roots of the perfect subtrees that it consists of, the
 * largest first. It has at most 53 of them, however many leaves there are.
 */
export type TreeFrontier = { readonly size: number; readonly roots: readonly Uint8Array[] }

export const EMPTY_TREE: TreeFrontier = { size: 0, roots: [] }

export function leafHash(data: string | Uint8Array): Uint8Array {
  return createHash('sha256').update(LEAF).update(data).digest()
}

export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return createHash('sha256').update(NODE).update(left).update(right).digest()
}

/** The frontier with one leaf more. */
export function addLeaf({ size, roots }: TreeFrontier, leaf: Uint8Array): TreeFrontier {
  const next = [...roots]
  let root = leaf
  // As many trailing ones as the size has in binary, so many perfect subtrees join.
  for (let rest = size; rest % 2 === 1; rest = Math.floor(rest / 2)) root = nodeHash(next.pop()!, root)
  return { size: size + 1, roots: [...next, root] }
}

/** The hash of the whole tree; that of the empty string for a tree without leaves. */
export function rootOf({ roots }: TreeFrontier): Uint8Array {
  if (roots.length === 0) return createHash('sha256').digest()
  return roots.reduceRight((right, left) => nodeHash(left, right))
}

const LEAF = Buffer.of(0)
const NODE = Buffer.of(1)
