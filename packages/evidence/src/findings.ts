import type { SettingChange } from './setting-changes.ts'

/** The kinds of finding. The names are stable; docs/verify.py prints the same. */
export type FindingKind =
  | 'manifest-missing' // files of an export exist, its manifest does not
  | 'manifest-altered' // not the bytes that were sealed
  | 'manifest-contradiction' // its numbers contradict each other
  | 'wrong-series' // of another pool or adapter than the other files in this directory
  | 'export-missing' // an export number is missing
  | 'export-twice'
  | 'previous-manifest' // does not carry the hash of the manifest before it
  | 'interval-gap' // does not begin where the interval before it ended
  | 'file-missing'
  | 'file-size'
  | 'file-altered'
  | 'file-unlisted' // named like a file of an export, and in no manifest
  | 'chain-line' // not a valid line of a chain file
  | 'chain-gap' // a number is in no export
  | 'chain-twice' // a number is in two exports
  | 'chain-head' // hashes do not lead to the head the manifest names
  | 'source-missing' // a source that was alive is not listed
  | 'record-text' // a text of the record series is not the one that the chain stands for
  | 'record-differs' // another series has other events in the same interval than the record series
  | 'fork' // a source gave numbers out twice; the other texts are in no document
  | 'pool-manifest-altered' // not the bytes that were signed
  | 'pool-manifest-missing' // a pool manifest, or the note or checkpoint beside it, is missing
  | 'pool-manifest-chain' // does not carry the hash of the pool manifest before it
  | 'pool-signature' // not signed, or not by a key that may
  | 'pool-tree' // the tree is not the one over the events in the exports
  | 'audit-trail' // the audit trail has lost records, or was rewritten
  | 'series-missing' // a pool manifest names a series that is not here
  | 'series-cut' // a series does not begin or end where the pool manifests say
  | 'series-altered' // another export than the pool manifest names
  | 'series-unknown' // exports that should be in a pool manifest, and are in none
  | 'end-missing' // what was noted elsewhere is not here
  | 'end-cut' // an anchor has a newer pool manifest
  | 'history-rewritten' // an anchor has another pool manifest than is here
  | 'anchor-signature' // what an anchor has is not signed, or not by a key that may
  | 'time-stamp' // not a time stamp of the checkpoint by the authority that was named
  | 'range-missing' // the time that was asked for is not covered

/** Where a finding is: a directory below the verified one (`.` for itself), an export number, a file, a source. */
export type FindingPlace = {
  readonly series: string
  readonly export?: number | undefined
  readonly file?: string | undefined
  /** `<source>/<epoch>`, and `/<incarnation>` if it has one */
  readonly source?: string | undefined
  readonly seq?: number | undefined
}

export type Finding = FindingPlace & { readonly what: FindingKind; readonly message: string }

/** A document that was sealed although it does not show everything it counts. */
export type SealedIncomplete = { readonly export: number; readonly file: string; readonly message: string }

/** Something that could not be read. It says nothing about the evidence, for or against. */
export type Unreadable = FindingPlace & { readonly message: string }

/** A number that is in no document yet: its text could not be read when it was due for export. */
export type Outstanding = {
  readonly source: string
  readonly epoch: number
  /** "" for a source that started before there were incarnations */
  readonly incarnation: string
  readonly seq: number
  /** of the export that lists it */
  readonly export: number
  /** the text in quarantine is not the one that was accepted */
  readonly altered: boolean
}

export type SeriesReport = {
  readonly series: string
  readonly pool: string | null
  readonly adapter: string | null
  readonly exports: number
  readonly firstExport: number | null
  readonly lastExport: number | null
  readonly from: string | null
  readonly to: string | null
  readonly documents: number
  readonly events: number
  /** Record this hash somewhere else: it vouches for the whole series up to here. */
  readonly newestManifest: { readonly file: string; readonly sha256: string } | null
  /** `beginning`: every chain was verified from its first event. `anchor`: what came before is not here. */
  readonly trust: { readonly from: 'beginning' | 'anchor'; readonly because: readonly string[] }
  readonly outstanding: readonly Outstanding[]
  readonly incomplete: readonly SealedIncomplete[]
  /** where adapter, stylesheet, engine, an option or the approval differs from the export before */
  readonly changes: readonly SettingChange[]
  /** exports that say that one person may change what is exported, or has */
  readonly approvedByOne: number
  /** exports whose documents nobody has compared with what they count: they were sealed by an older version */
  readonly pagesNotCompared: number
  /** of the record series: texts whose leaf was computed again and is the one in the chain; null in other series */
  readonly texts: number | null
  readonly findings: readonly Finding[]
  readonly unreadable: readonly Unreadable[]
}

/** `files`: notes and checkpoints of this pool that the anchor has. `newest`: the newest pool manifest that it vouches for. */
export type AnchorsReport = { readonly files: number; readonly newest: string | null }

export type TimeStampsReport = {
  readonly present: number
  /** 0 when nobody named an authority to trust */
  readonly verified: number
  readonly newest: { readonly file: string; readonly at: string } | null
  /** between the end of an interval and the time stamp of its checkpoint */
  readonly lagMsMax: number | null
}

/** A pool: what its signed pool manifests say of all series together. */
export type PoolReport = {
  /** the directory of the pool manifests */
  readonly directory: string
  readonly pool: string | null
  readonly manifests: number
  readonly first: number | null
  readonly last: number | null
  readonly from: string | null
  readonly to: string | null
  /** Record this hash somewhere else: it vouches for all series up to here. */
  readonly newestManifest: { readonly file: string; readonly sha256: string } | null
  readonly checkpoint: { readonly size: number; readonly root: string } | null
  /** `pinned`: by a key that the caller trusts. `embedded`: by a key that came with the package. */
  readonly trust: 'pinned' | 'embedded'
  /** that signed the newest pool manifest */
  readonly key: string | null
  /** the series from which the tree was computed again */
  readonly treeOf: readonly string[]
  /** exports that are newer than the newest pool manifest */
  readonly unsignedExports: number
  /** null: nobody named an anchor */
  readonly anchors: AnchorsReport | null
  readonly timeStamps: TimeStampsReport
  readonly findings: readonly Finding[]
  readonly unreadable: readonly Unreadable[]
}
