import { readFileSync } from 'node:fs'
import { ConfigError } from '@hansard/config'

const CONNECTIONS_MIN = 16
const RESERVE_MAX = 1_024

/**
 * How many connections a process may accept: as many as were asked for, and never so many that files, databases and
 * exports are left without descriptors. The limit itself is left as it is.
 */
export function connectionsWithin(
  asked: { readonly connectionsMax: number; readonly descriptorReserve: number },
  { limit = openFilesLimit(), filesMax = 0 }: { limit?: number; filesMax?: number } = {},
): number {
  const reserve = asked.descriptorReserve || Math.min(RESERVE_MAX, Math.floor(limit / 4))
  // Half of the limit at most: a small machine serves fewer transfers, it does not refuse to start.
  const files = Math.min(filesMax, Math.floor(limit / 2))
  const available = limit - reserve - files
  if (available < CONNECTIONS_MIN)
    throw new ConfigError([
      `The limit of open files (${limit}) leaves no connections beside the reserve of ${reserve}. ` +
        'Raise it (`ulimit -n`, or LimitNOFILE of systemd), or lower HANSARD_DESCRIPTOR_RESERVE.',
    ])
  return Math.min(asked.connectionsMax, available)
}

/** The soft limit of open files of this process. */
function openFilesLimit(): number {
  try {
    const soft = /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]
    if (soft !== undefined) return soft === 'unlimited' ? Number.MAX_SAFE_INTEGER : Number(soft)
  } catch {
    // Not Linux: the report below knows.
  }
  const { userLimits } = process.report.getReport() as { userLimits?: { open_files?: { soft?: number | string } } }
  const soft = userLimits?.open_files?.soft
  return typeof soft === 'number' ? soft : Number.MAX_SAFE_INTEGER
}
