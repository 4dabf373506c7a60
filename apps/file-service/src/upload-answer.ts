import type { PoolFile } from '@hansard/pool-store'
import { type Refused, refused } from './deps.ts'

export type UploadAnswer =
  | Refused
  /** Part of it has arrived: `received` bytes of `size`. */
  | { readonly kind: 'incomplete'; readonly received: number; readonly size: number }
  /** The file is stored, by this request or by an earlier one. */
  | { readonly kind: 'complete'; readonly file: PoolFile; readonly repeated: boolean }
  | { readonly kind: 'wrong-offset'; readonly received: number; readonly size: number }

/** The answer about an upload that has ended. */
export function endOf(file: PoolFile): UploadAnswer {
  if (file.state === 'kept') return { kind: 'complete', file, repeated: true }
  return refused(file.state === 'quarantined' ? 'infected' : 'no-such-file')
}
