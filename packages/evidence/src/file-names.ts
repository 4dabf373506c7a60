export const MANIFEST_SUFFIX = '.manifest.json'

const STEM = /^(\d{8}T\d{6}(?:\.\d{3})?Z_\d{8}T\d{6}(?:\.\d{3})?Z(?:_addendum-[1-9]\d*)?)[.-]./

/**
 * The stem of a file name, if only files of exports have such names: `20261120T231500Z_20261120T233000Z`, with
 * `_addendum-7` for an addendum. A file with such a name that no manifest lists means that something is missing.
 * Other files in the directory are ignored.
 */
export function stemOfExportFile(name: string): string | undefined {
  return STEM.exec(name)?.[1]
}
