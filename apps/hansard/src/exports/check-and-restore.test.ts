import { execFileSync } from 'node:child_process'
import { copyFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { startPoolOnTheLine } from '../command-line-in-test.ts'
import { verifyWithBoth } from './verify-in-test.ts'

function sha256sum(path: string): string {
  return execFileSync('sha256sum', [path], { encoding: 'utf8' }).split(' ')[0]!
}

function flipByte(path: string, index: number): void {
  const bytes = readFileSync(path)
  bytes[index]! ^= 1
  writeFileSync(path, bytes)
}

it('names a byte that was altered in any sealed file, and writes the sealed bytes again', async () => {
  await using line = await startPoolOnTheLine()
  await line.json(['seal'])
  const paths = (await line.hansard(['exports', 'files', 'xml/1'])).stdout.trim().split('\n')
  expect(paths).toHaveLength(3)
  const exports = join(line.data, 'exports')
  const directory = join(exports, 'xml')

  for (const path of paths) {
    const sealed = sha256sum(path)
    flipByte(path, Math.floor(readFileSync(path).length / 2))
    const altered = sha256sum(path)

    const checked = await line.hansard(['exports', 'check'])
    expect(checked).toMatchObject({ exitCode: 1 })
    expect(checked.stdout).toContain(`xml/1: ${path} was altered: its SHA-256 is ${altered}\n1 of `)
    const status = await line.hansard(['status'])
    expect(status.exitCode).toBe(1)
    expect(status.stdout).toContain(`!! The sealed file ${path} was altered`)
    const replayed = await line.hansard(['exports', 'replay', 'xml/1'])
    expect(replayed).toMatchObject({ exitCode: 1 })
    expect(replayed.stdout).toContain('the files on disk are NOT what was sealed')
    expect(replayed.stdout).toContain('was altered')
    expect(replayed.stdout).not.toContain('identical')
    expect((await verifyWithBoth(exports)).exitCode).not.toBe(0)

    const restored = await line.hansard(['exports', 'restore', 'xml/1'])
    expect(restored).toMatchObject({ exitCode: 0 })
    expect(sha256sum(path)).toBe(sealed)
    const kept = readdirSync(directory).filter((name) => name.startsWith('.damaged-'))
    expect(kept.map((name) => sha256sum(join(directory, name)))).toContain(altered)
    expect((await line.hansard(['status'])).stdout).not.toContain('sealed file')
    expect((await line.hansard(['exports', 'replay', 'xml/1'])).stdout).toContain('identical to what was sealed')
    expect(await line.hansard(['exports', 'check'])).toMatchObject({ exitCode: 0 })
    expect((await verifyWithBoth(exports)).exitCode).toBe(0)
  }

  const again = await line.hansard(['exports', 'restore', 'xml/1'])
  expect(again).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('Nothing was written') })
  expect(await line.hansard(['exports', 'restore', 'xml/99'])).toMatchObject({ exitCode: 1 })
})

it('restores files only into the directory that they were sealed in', async () => {
  await using line = await startPoolOnTheLine()
  await line.json(['seal'])
  const directory = join(line.data, 'exports', 'xml')
  const [path] = (await line.hansard(['exports', 'files', 'xml/1'])).stdout.trim().split('\n')
  flipByte(path!, 0)
  copyFileSync(join(directory, '.directory-id'), join(line.data, 'id'))
  writeFileSync(join(directory, '.directory-id'), 'another\n')
  const altered = sha256sum(path!)

  const refused = await line.hansard(['exports', 'restore', 'xml/1'])
  expect(refused).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('.directory-id') })
  expect(sha256sum(path!)).toBe(altered)

  copyFileSync(join(line.data, 'id'), join(directory, '.directory-id'))
  expect(await line.hansard(['exports', 'restore', 'xml/1'])).toMatchObject({ exitCode: 0 })
})
