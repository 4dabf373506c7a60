export const MANIFEST_SUFFIX = '.manifest.json'

const STEM = /^(\d{8}T\d{6}(?:\.\d{3})?Z_\d{8}T\d{6}(?:\.\d{3})?Z(?:_addendum-[1-9]\d*)?)[.-]./

/**
 * What the names of all files of one export begin with, if this is a name that only files of exports have:
 * `20261120T231500Z_20261120T233000Z`, and `_addendum-7` for an addendum. Such a file that no manifest lists means that
 * something is missing; whatever else lies in the directory is no concern of ours.
 */
export function stemOfExportFile(name: string): string | undefined {
  return STEM.exec(name)?.[1]
}
