import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** An older Node starts, prints `ready`, and fails at the first feature it lacks: a pool that seals nothing. */
const FLOOR = 24

/** Why this Node cannot run Hansard, in one sentence that names one that can; undefined when it can. */
export function nodeFloorProblem(version: string, binary: string, from: string): string | undefined {
  if (Number(version.split('.')[0]) >= FLOOR) return undefined
  const pinned = pinnedNode(from)
  const instead = pinned === undefined ? `Node ${FLOOR}: run \`npm ci\` in the repository for one` : pinned
  return `hansard: this needs Node ${FLOOR} or newer, and ${binary} is Node ${version}; run it with ${instead}`
}

/** The one that `npm ci` brings. */
function pinnedNode(from: string): string | undefined {
  for (let folder = dirname(from); folder !== dirname(folder); folder = dirname(folder)) {
    const binary = join(folder, 'node_modules', 'node', 'bin', 'node')
    if (existsSync(binary)) return binary
  }
  return undefined
}
