export type { AcceptedGap } from './accepted-gaps.ts'
export { type SignedAuditHead, signedAuditHead } from './audit-heads.ts'
export { chainLine, parseChainLine } from './chain-line.ts'
export { compareWithRecord } from './compare-with-record.ts'
export { MANIFEST_SUFFIX, stemOfExportFile } from './file-names.ts'
export { findingLabel } from './finding-label.ts'
export type { Finding, FindingKind, PoolReport, SeriesGap, SeriesReport, Unreadable } from './findings.ts'
export type { Fork } from './forks.ts'
export {
  type AddendumSource,
  emptyCounts,
  encodeManifest,
  FIRST_MANIFEST_FORMAT,
  hasIncarnations,
  type IntervalSource,
  MANIFEST_FORMAT,
  Manifest,
  type ManifestFile,
  manifestInterval,
  parseManifest,
  rangesOf,
} from './manifest.ts'
export { describeNotRunning, type NotRunning } from './not-running.ts'
export { describePage, type IncompletePage } from './pages.ts'
export type { CheckTimeStamp, SeriesInPool } from './pool-check.ts'
export {
  encodePoolManifest,
  POOL_DIRECTORY,
  POOL_MANIFEST_FORMAT,
  type PoolManifest,
  type PoolSeriesEntry,
  parsePoolManifest,
  poolManifestStatement,
  poolOrigin,
  stemOfPoolManifest,
  treeLeaf,
} from './pool-manifest.ts'
export { type EvidenceDirectory, FileMissing } from './read-evidence.ts'
export { describeSettingChange } from './setting-changes.ts'
export { nameOfSource } from './source-name.ts'
export { verifyPool } from './verify-pool.ts'
export { type SeenExport, verifySeries } from './verify-series.ts'
