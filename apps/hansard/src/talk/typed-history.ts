import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Env } from '@hansard/config'

export const HISTORY_LINES_MAX = 500
const HISTORY_BYTES_MAX = 1 << 20

/** Lines typed in earlier chats, newest first; where they are kept. */
type TypedHistory = { readonly lines: readonly string[]; keep(lines: readonly string[]): void }

/**
 * What somebody typed, in a file that only they may read: HANSARD_HISTORY names it, and `off` keeps none. A history
 * that cannot be read or written is no reason not to talk.
 */
export function typedHistory(env: Env): TypedHistory {
  const path = historyPath(env)
  if (path === undefined) return { lines: [], keep: () => {} }
  return {
    lines: read(path),
    keep(lines) {
      try {
        mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
        const part = `${path}.${process.pid}.part`
        const kept = lines.slice(0, HISTORY_LINES_MAX).map((line) => JSON.stringify(line))
        writeFileSync(part, kept.map((line) => `${line}\n`).join(''), { mode: 0o600 })
        renameSync(part, path)
      } catch {
        // See above.
      }
    },
  }
}

function historyPath(env: Env): string | undefined {
  const named = env.optional('HANSARD_HISTORY')
  if (named === 'off') return undefined
  if (named !== undefined) return named
  const home = env.optional('HOME')
  const state = env.optional('XDG_STATE_HOME') ?? (home === undefined ? undefined : join(home, '.local', 'state'))
  return state === undefined ? undefined : join(state, 'hansard', 'chat-history')
}

function read(path: string): string[] {
  try {
    const bytes = readFileSync(path)
    if (bytes.length > HISTORY_BYTES_MAX) return []
    const lines = bytes.toString().split('\n').filter(Boolean)
    return lines.slice(0, HISTORY_LINES_MAX).map((line) => String(JSON.parse(line)))
  } catch {
    return []
  }
}
