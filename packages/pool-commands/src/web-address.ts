import { webAddressProblem } from '@hansard/rooms'
import { ChangeRefused } from './result.ts'

/** A URL that clients may be sent to. */
export function requireWebAddress(url: string): void {
  const problem = webAddressProblem(url)
  if (problem) throw new ChangeRefused('invalid', problem)
}
