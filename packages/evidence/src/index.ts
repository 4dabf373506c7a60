export { type ChainLine, chainLine } from './chain-line.ts'
export { MANIFEST_SUFFIX, stemOfExportFile } from './file-names.ts'
export type { Finding, FindingKind, Outstanding, Place, SeriesReport, Unreadable } from './findings.ts'
export {
  type AddendumSource,
  emptyCounts,
  encodeManifest,
  FIRST_MANIFEST_FORMAT,
  type IntervalSource,
  MANIFEST_FORMAT,
  Manifest,
  type ManifestCounts,
  type ManifestFile,
  manifestInterval,
  type ParsedManifest,
  parseManifest,
  rangesOf,
} from './manifest.ts'
export { type EvidenceDirectory, FileMissing } from './read-evidence.ts'
export { verifySeries } from './verify-series.ts'
