/**
 * How the files of an export are called. A name says the interval, so that a listing sorted by name is sorted by time,
 * and nothing that a person could choose (room names are appended by the adapter, made safe).
 */
export function exportStem(of: {
  readonly interval: { readonly startsAt: number; readonly endsAt: number }
  readonly kind: 'interval' | 'addendum'
  readonly number: number
}): string {
  const stem = `${compact(of.interval.startsAt)}_${compact(of.interval.endsAt)}`
  return of.kind === 'addendum' ? `${stem}_addendum-${of.number}` : stem
}

export function chainFileName(stem: string): string {
  return `${stem}.chain.txt`
}

export function manifestFileName(stem: string): string {
  return `${stem}${MANIFEST_SUFFIX}`
}

export const MANIFEST_SUFFIX = '.manifest.json'

/** A file that is called as only files of an export are: if no manifest lists it, something is missing. */
export function looksLikeExportFile(name: string): boolean {
  return /^\d{8}T\d{6}(\.\d{3})?Z_\d{8}T\d{6}(\.\d{3})?Z[._-]/.test(name)
}

/** `20261120T231500Z`, with milliseconds only where there are any. */
function compact(at: number): string {
  return new Date(at).toISOString().replace(/[-:]/g, '').replace('.000Z', 'Z')
}
