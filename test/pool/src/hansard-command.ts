import { spawn } from 'node:child_process'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { nodeBinary, passedOn } from './service-process.ts'

const repository = join(dirname(fileURLToPath(import.meta.url)), '../../..')

type Ended = { readonly code: number | null; readonly stdout: string; readonly stderr: string }

/** Runs `hansard` as a process, with its own environment. */
export async function hansardCommand(
  args: readonly string[],
  { env = {}, input = '' }: { env?: Readonly<Record<string, string>>; input?: string } = {},
): Promise<Ended> {
  const program = join(repository, 'apps/hansard/src/bin.ts')
  const child = spawn(nodeBinary(), ['--conditions=@hansard/source', program, ...args], {
    env: { ...passedOn(), NO_COLOR: '1', ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const heard = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].on('data', (data: Buffer) => {
      heard[name] += data.toString()
    })
  }
  child.stdin.end(input)
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, ...heard }
}
