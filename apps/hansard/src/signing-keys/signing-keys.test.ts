import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { Env } from '@hansard/config'
import {
  formatSigningKeys,
  formatVerifierKey,
  newSigningKeys,
  parseSigningKeys,
  readSuccession,
} from '@hansard/signing'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { runCommandLine } from '../command-line.ts'

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'hansard-signing-keys-'))
})
afterAll(() => rm(directory, { recursive: true }))

async function hansard(...line: string[]): Promise<{ exitCode: number; stdout: string; stderr: string }> {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
  const env = new Env({ HANSARD_SIGNING_KEY_FILE: join(directory, 'signing-keys.json') })
  const exitCode = await runCommandLine(line, { stdin, stdout, stderr, env, stop: new AbortController().signal })
  return { exitCode, stdout: String(stdout.read() ?? ''), stderr: String(stderr.read() ?? '') }
}

it('a key is replaced by one that it signs, the file stays its owner’s, and what is printed holds nothing private', async () => {
  const file = join(directory, 'signing-keys.json')
  const old = newSigningKeys('hansard/pool')
  await writeFile(file, formatSigningKeys(old), { mode: 0o600 })
  expect((await hansard('signing-keys', 'public')).stdout).toBe(`${formatVerifierKey(old.signing.verifier)}\n`)

  const rotated = await hansard('signing-keys', 'rotate')

  expect(rotated.exitCode).toBe(0)
  const now = parseSigningKeys(await readFile(file, 'utf8'))
  expect(readSuccession(now.successions[0]!)).toEqual({ from: old.signing.verifier, to: now.signing.verifier })
  expect((await stat(file)).mode & 0o777).toBe(0o600)
  expect(rotated.stdout).toContain(formatVerifierKey(now.signing.verifier))
  const secret = JSON.parse(await readFile(file, 'utf8'))
    .signing.split('+')
    .at(-1)
  expect(rotated.stdout + rotated.stderr).not.toContain(secret)
})

it('a file that is missing, or that is another, is said to be', async () => {
  const missing = await hansard('signing-keys', 'public', '--data', join(directory, 'none'))
  expect(missing).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('does not exist') })
  const file = join(directory, 'other.json')
  await writeFile(file, '{"format":"hansard-token-keys-1"}', { mode: 0o600 })
  expect(await hansard('signing-keys', 'rotate', '--file', file)).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('is not a signing key file'),
  })
})
