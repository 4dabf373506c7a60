import { listSignIns as signInsOnRecord } from '@hansard/pool-store'
import type { Handle } from './call.ts'

/** Who signed in and who could not, newest first. */
export const listSignIns: Handle<'listSignIns'> = async ({ poolDb }, { query }) => {
  const { after, limit, ...filter } = query
  const found = await signInsOnRecord(poolDb, { ...filter, before: after, limit: limit + 1 })
  const page = found.slice(0, limit)
  return { signIns: [...page], next: found.length > limit ? String(page.at(-1)!.id) : null }
}
