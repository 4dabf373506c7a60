/** What can be wrong with exports. Stable names: docs/verify.py prints the same. */
export type FindingKind =
  | 'manifest-missing' // files of an export lie there, its manifest does not
  | 'manifest-altered' // not the bytes that were sealed
  | 'manifest-contradiction' // its own numbers do not agree
  | 'wrong-series' // of another pool or adapter than the others in this directory
  | 'export-missing' // a number is left out
  | 'export-twice'
  | 'previous-manifest' // does not carry the hash of the manifest before it
  | 'interval-gap' // does not begin where the interval before it ended
  | 'file-missing'
  | 'file-size'
  | 'file-altered'
  | 'file-unlisted' // called like a file of an export, and not in its manifest
  | 'chain-line' // a line of a chain file that cannot be one
  | 'chain-gap' // a number that is in no export
  | 'chain-twice' // a number that is in two
  | 'chain-head' // hashes do not lead to the head the manifest names
  | 'source-missing' // a source that was alive is not listed

/** Where it is: a directory below the one that was verified (`.` for itself), an export's number, a file, a source. */
export type Place = {
  readonly series: string
  readonly export?: number | undefined
  readonly file?: string | undefined
  /** `<source>/<epoch>` */
  readonly source?: string | undefined
  readonly seq?: number | undefined
}

export type Finding = Place & { readonly what: FindingKind; readonly message: string }

/** Something that could not be looked at. It says nothing about the evidence, for or against. */
export type Unreadable = Place & { readonly message: string }

/** A number that is in no document yet: its text could not be read when it was to be exported. */
export type Outstanding = {
  readonly source: string
  readonly epoch: number
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
  /** Write this hash down somewhere else: it vouches for the whole series up to here. */
  readonly newestManifest: { readonly file: string; readonly sha256: string } | null
  /** `beginning`: every chain was walked from its first event. `anchor`: what came before is not here. */
  readonly trust: { readonly from: 'beginning' | 'anchor'; readonly because: readonly string[] }
  readonly outstanding: readonly Outstanding[]
  readonly findings: readonly Finding[]
  readonly unreadable: readonly Unreadable[]
}
