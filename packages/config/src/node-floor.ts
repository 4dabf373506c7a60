import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Older ones start, print that they are ready, and fail at the first thing they lack: a pool that seals nothing. */
const FLOOR = 24

/**
 * The first import of every entry point. It runs before any other module does, so it uses nothing that is younger than the
 * Node it refuses, and it is the one place that ends the process: no module after it may begin its work.
 */
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

const problem = nodeFloorProblem(process.versions.node, process.execPath, fileURLToPath(import.meta.url))
if (problem !== undefined) {
  process.stderr.write(`${problem}\n`)
  process.exit(2)
}
