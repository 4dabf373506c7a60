import type { Result } from '@hansard/pool-commands'
import { AdminProblem } from './problems.ts'

/** What a command came to; its refusal goes to the caller under the same name. */
export async function unwrap<T>(result: Promise<Result<T>>): Promise<T> {
  const settled = await result
  if (settled.ok) return settled.value
  throw new AdminProblem(settled.refusal, settled.message)
}
