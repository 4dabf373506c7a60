export { type ChainLine, chainLine } from './chain-line.ts'
export { chainFileName, exportStem, MANIFEST_SUFFIX, manifestFileName } from './file-names.ts'
export {
  type AddendumSource,
  emptyCounts,
  encodeManifest,
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
