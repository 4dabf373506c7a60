import type { FindingKind } from './findings.ts'

/**
 * The word before a finding. `MISSING`: something that should be here is not. `FORK`: a source gave numbers out twice.
 * `MISMATCH`: something is here, and is not what was sealed or signed. What cannot be read is no finding.
 */
export function findingLabel(kind: FindingKind): 'MISSING' | 'MISMATCH' | 'FORK' {
  if (kind === 'fork') return 'FORK'
  return MISSING.has(kind) ? 'MISSING' : 'MISMATCH'
}

const MISSING: ReadonlySet<FindingKind> = new Set([
  'manifest-missing',
  'export-missing',
  'file-missing',
  'chain-gap',
  'source-missing',
  'pool-manifest-missing',
  'series-missing',
  'series-cut',
  'end-missing',
  'end-cut',
  'range-missing',
])
