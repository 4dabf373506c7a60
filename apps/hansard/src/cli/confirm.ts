import { misused } from './command-failure.ts'
import type { Io } from './io.ts'
import { typeLine } from './prompt.ts'

/** Asks before something that cannot be taken back; `--yes` answers for a script. */
export async function confirm(io: Io, { yes }: { yes: boolean }, question: string): Promise<void> {
  if (yes) return
  if (!io.stdin.isTTY) throw misused(`${question} Nothing was changed.`, 'Say --yes.')
  const typed = await typeLine(io, `${question} [yes/no] `)
  if (typed.trim().toLowerCase() !== 'yes') throw misused('Nothing was changed.')
}
