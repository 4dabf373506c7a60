import { fileURLToPath } from 'node:url'
import { nodeFloorProblem } from './node-floor-problem.ts'

// The first import of every entry point. It runs before all other modules, so it uses nothing newer than the Node it
// refuses. It is the one place that ends the process: no later module may begin its work.
const problem = nodeFloorProblem(process.versions.node, process.execPath, fileURLToPath(import.meta.url))
if (problem !== undefined) {
  process.stderr.write(`${problem}\n`)
  process.exit(2)
}
