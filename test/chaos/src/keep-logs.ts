import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

/** The temporary directory may end with the run. */
export function keepLogs(logs: string, seed: number): string {
  const kept = resolve(import.meta.dirname, `../../../node_modules/.cache/hansard/chaos-${seed}`)
  mkdirSync(dirname(kept), { recursive: true })
  rmSync(kept, { recursive: true, force: true })
  execFileSync('cp', ['-r', logs, kept])
  return kept
}
