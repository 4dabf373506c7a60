import type { Result } from '@hansard/pool-commands'
import { AdminProblem } from './problems.ts'

/** The value of a command's result; a refusal is thrown with the same code. */
export async function unwrap<T>(result: Promise<Result<T>>): Promise<T> {
  const settled = await result
  if (settled.ok) return settled.value
  throw new AdminProblem(settled.refusal, settled.message)
}
