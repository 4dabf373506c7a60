import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { promisify } from 'node:util'
import { Env } from '@hansard/config'
import { expect, it } from 'vitest'
import { runCommandLine } from '../command-line.ts'

async function script(shell: string): Promise<string> {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
  const io = { stdin, stdout, stderr, env: new Env({}), stop: new AbortController().signal }
  expect(await runCommandLine(['completion', shell], io)).toBe(0)
  return String(stdout.read())
}

/** What a real bash offers behind these words, the last of which is being typed. */
async function offered(words: readonly string[], cwd: string): Promise<string[]> {
  const quoted = words.map((word) => `'${word}'`).join(' ')
  const ask = `COMP_WORDS=(${quoted}); COMP_CWORD=${words.length - 1}; _hansard; printf '%s\\n' "\${COMPREPLY[@]}"`
  const { stdout } = await promisify(execFile)('bash', ['-c', `${await script('bash')}\n${ask}`], { cwd })
  return stdout.split('\n').filter(Boolean)
}

it('completes verbs, options, words and files in a real bash', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hansard-'))
  writeFileSync(join(folder, 'prices.zip'), '')

  expect(await offered(['hansard', 'ro'], folder)).toEqual(['rooms'])
  expect(await offered(['hansard', 'rooms', 'cre'], folder)).toEqual(['create'])
  expect(await offered(['hansard', 'rooms', 'set', 'desk', '--pri'], folder)).toEqual(['--privacy'])
  expect(await offered(['hansard', 'rooms', 'set', 'desk', '--privacy', ''], folder)).toEqual([
    'open',
    'closed',
    'secret',
  ])
  expect(await offered(['hansard', 'categories', 'set', 'Desk', '--file-upload', 'o'], folder)).toEqual(['on', 'off'])
  expect(await offered(['hansard', 'completion', 'z'], folder)).toEqual(['zsh'])
  expect(await offered(['hansard', 'import-data', 'pri'], folder)).toEqual(['prices.zip'])
  expect(await offered(['hansard', 'rooms', 'nonsense'], folder)).toEqual([])
  rmSync(folder, { recursive: true })
})

it('writes what bash takes without a complaint, and scripts of its own for zsh and fish', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'hansard-'))
  const file = join(folder, 'hansard.bash')
  writeFileSync(file, await script('bash'))

  expect(await promisify(execFile)('bash', ['-n', file])).toEqual({ stdout: '', stderr: '' })
  expect(await script('zsh')).toMatch(/^autoload -U \+X bashcompinit && bashcompinit\n/)
  const fish = await script('fish')
  expect(fish).toContain("complete -c hansard -n '__hansard_at rooms' -f -a create -d ")
  // A quotation mark in a help text would end the word that holds it.
  for (const line of fish.split('\n')) expect(line.replaceAll("\\'", '').split("'").length % 2).toBe(1)
  rmSync(folder, { recursive: true })
})
