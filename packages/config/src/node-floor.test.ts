import { execFile, execFileSync } from 'node:child_process'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { nodeFloorProblem } from './node-floor-problem.ts'

const PINNED = fileURLToPath(new URL('../../../node_modules/node/bin/node', import.meta.url))

it('refuses a Node below the floor in one sentence that names the one to use', () => {
  const here = import.meta.filename

  expect(nodeFloorProblem('24.0.0', '/usr/bin/node', here)).toBeUndefined()
  expect(nodeFloorProblem('25.1.0', '/usr/bin/node', here)).toBeUndefined()
  expect(nodeFloorProblem('20.20.2', '/usr/bin/node', here)).toBe(
    `hansard: this needs Node 24 or newer, and /usr/bin/node is Node 20.20.2; run it with ${PINNED}`,
  )
  expect(nodeFloorProblem('8.0.0', '/usr/bin/node', '/nowhere/at/all.js')).toContain('run `npm ci` in the repository')
})

const REPOSITORY = fileURLToPath(new URL('../../../', import.meta.url))

it('is the first import of every entry point', () => {
  const entries = globSync(['apps/*/src/main.ts', 'apps/*/src/bin.ts'], { cwd: REPOSITORY })
  expect(entries.length).toBeGreaterThanOrEqual(7)
  for (const entry of entries) {
    const first = /^import .*$/m.exec(readFileSync(join(REPOSITORY, entry), 'utf8'))?.[0]
    expect([entry, first]).toEqual([entry, "import '@hansard/config/node-floor'"])
  }
})

const old = ['/usr/bin/node', '/usr/local/bin/node'].find((path) => {
  return existsSync(path) && Number(/^v(\d+)/.exec(execFileSync(path, ['--version'], { encoding: 'utf8' }))?.[1]) < 24
})

it.skipIf(old === undefined)('ends the command with 2 on a real Node that is too old', async () => {
  const args = [join(REPOSITORY, 'apps/hansard/hansard.js'), 'start']

  const ended = await promisify(execFile)(old!, args, { env: {} }).catch((error: unknown) => error)

  expect(ended).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringMatching(/^hansard: this needs Node 24 or newer, and \S+ is Node [\d.]+; run it with \S+\n$/),
  })
})
