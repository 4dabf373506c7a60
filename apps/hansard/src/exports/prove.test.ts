import { execFile, execFileSync } from 'node:child_process'
import { hash } from 'node:crypto'
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ProofReply } from '@hansard/admin-contract'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type PoolOnTheLine, startPoolOnTheLine } from '../command-line-in-test.ts'

let line: PoolOnTheLine
let temporary: string
let copies = 0
beforeAll(async () => {
  temporary = await mkdtemp(join(tmpdir(), 'hansard-prove-'))
  line = await startPoolOnTheLine()
  await line.json(['rooms', 'add', 'desk'])
  const env = await line.addUser('alice')
  for (const input of ['one\ntwo\nthree\n', 'four\n', 'five\nsix\nseven\n']) {
    const said = await line.hansard(['chat', 'desk', '--account', 'alice'], { env, input })
    expect(said).toMatchObject({ exitCode: 0 })
    await line.json(['seal'])
  }
  // The pool manifest follows the exports.
  await vi.waitFor(() => line.json(['prove', 'desk', '7']), { timeout: 60_000, interval: 200 })
}, 120_000)
afterAll(async () => {
  await line?.[Symbol.asyncDispose]()
  await rm(temporary, { recursive: true })
})

const proofOf = (...what: string[]): Promise<ProofReply> => line.json(['prove', ...what])
/** What a shell says to the commands that were printed, typed in the directory. */
function typed(commands: string, directory: string): Promise<{ exitCode: number; stdout: string }> {
  return new Promise((resolve) =>
    execFile('sh', ['-e', '-c', commands], { cwd: directory, env: { PATH: '/usr/bin:/bin' } }, (error, stdout) =>
      resolve({ exitCode: typeof error?.code === 'number' ? error.code : error ? -1 : 0, stdout }),
    ),
  )
}
async function written(...what: string[]): Promise<{ directory: string; commands: string }> {
  const directory = join(temporary, `proof-${++copies}`)
  const { stdout, stderr, exitCode } = await line.hansard(['prove', ...what, '--out', directory])
  expect([exitCode, stderr]).toEqual([0, ''])
  const commands = stdout.slice(stdout.indexOf('# Check this proof'))
  expect(commands).toBe(await readFile(join(directory, 'CHECK.txt'), 'utf8'))
  return { directory, commands }
}
/** As somebody changes a file who also knows what SHA256SUMS is for. */
async function forge(directory: string, name: string, change: (bytes: Buffer) => Buffer | string): Promise<void> {
  const bytes = await readFile(join(directory, name))
  const changed = Buffer.from(change(bytes))
  expect(changed.equals(bytes)).toBe(false)
  await writeFile(join(directory, name), changed)
  const sums = await readFile(join(directory, 'SHA256SUMS'), 'utf8')
  await writeFile(
    join(directory, 'SHA256SUMS'),
    sums.replace(hash('sha256', bytes, 'hex'), hash('sha256', changed, 'hex')),
  )
}

describe('the proof of a chat', () => {
  it.each([1, 4, 5, 7])(
    'number %i is checked with the commands that are printed, and nothing of Hansard’s',
    async (chat) => {
      const { directory, commands } = await written('desk', String(chat))
      const { exitCode, stdout } = await typed(commands, directory)
      expect([exitCode, stdout]).toEqual([0, expect.stringContaining('event.json: OK')])
      expect(stdout.match(/Signature Verified Successfully/g)).toHaveLength(2)
      expect(stdout).toContain('path: OK')
      expect(JSON.parse(await readFile(join(directory, 'event.json'), 'utf8'))).toMatchObject({
        kind: 'chat',
        chatId: chat,
        content: ['one', 'two', 'three', 'four', 'five', 'six', 'seven'][chat - 1],
      })
    },
  )

  it('is the same by the number of its event, and names its line in the chain file of its export', async () => {
    const proof = await proofOf('desk', '4')
    const { source, epoch, incarnation, seq } = proof.event
    expect(await proofOf(`${source}/${epoch}/${seq}`)).toEqual(proof)
    expect(await proofOf(`${source}/${epoch}/${incarnation}/${seq}`)).toEqual(proof)
    expect(proof.exports).not.toHaveLength(0)
    for (const { directory, chain, manifest, manifestSha256 } of proof.exports) {
      const lines = (await readFile(join(directory, chain!.name), 'utf8')).split('\n')
      expect(lines[chain!.line - 1]).toBe(proof.tree.line)
      expect(hash('sha256', await readFile(join(directory, manifest!)), 'hex')).toBe(manifestSha256)
    }
    // What is proved about the files elsewhere is typed there.
    const { directory, commands } = await written('desk', '4')
    const elsewhere = commands
      .split('\n')
      .filter((text) => text.startsWith('#      '))
      .map((text, index) => text.slice(7).replaceAll('EXPORT', proof.exports[index >> 1]!.directory))
    expect(elsewhere).toHaveLength(2 * proof.exports.length)
    expect(await typed(elsewhere.join('\n'), directory)).toMatchObject({ exitCode: 0 })
  })

  it('fails with another byte in any of its files', async () => {
    const { directory, commands } = await written('desk', '5')
    const names = (await readdir(directory)).filter((name) => name !== 'CHECK.txt')
    expect(names).toHaveLength(8)
    for (const name of names) {
      const bytes = await readFile(join(directory, name))
      for (const at of [0, Math.floor(bytes.length / 2), bytes.length - 1]) {
        await writeFile(
          join(directory, name),
          bytes.map((byte, index) => (index === at ? byte ^ 1 : byte)),
        )
        expect([name, at, (await typed(commands, directory)).exitCode]).not.toEqual([name, at, 0])
      }
      await writeFile(join(directory, name), bytes)
    }
    // A hash that is none is a line that sha256sum skips with a warning, unless it is told not to.
    await writeFile(
      join(directory, 'SHA256SUMS'),
      `g${(await readFile(join(directory, 'SHA256SUMS'), 'utf8')).slice(1)}`,
    )
    expect(await typed(commands, directory)).not.toMatchObject({ exitCode: 0 })
  })

  it('is checked by a second person in the same directory', async () => {
    const { directory, commands } = await written('desk', '6')
    expect(await typed(commands, directory)).toMatchObject({ exitCode: 0 })
    expect(await typed(commands, directory)).toMatchObject({ exitCode: 0 })
  })

  it.each([
    ['the text', 'event.json', (bytes: Buffer) => String(bytes).replace('five', 'fine')],
    ['the number', 'line.txt', (bytes: Buffer) => String(bytes).replace(/\t\d+\t(?=[0-9a-f]{64}$)/, '\t999\t')],
    ['a hash of the path', 'path.txt', (bytes: Buffer) => String(bytes).replace(/(left|right) ./, '$1 /')],
    ['a side of the path', 'path.txt', (bytes: Buffer) => String(bytes).replace('left', 'right')],
    ['the size of the tree', 'CHECKPOINT', (bytes: Buffer) => String(bytes).replace(/\n(\d+)\n/, '\n1$1\n')],
    ['the pool manifest', 'MANIFEST', (bytes: Buffer) => String(bytes).replace('"active"', '"ended"')],
    ['the key', 'key.pub', (bytes: Buffer) => String(bytes).replace(/.{4}\n$/, 'AAA=\n')],
  ])('fails when somebody changes %s and SHA256SUMS', async (_, name, change) => {
    const { directory, commands } = await written('desk', '5')
    const names = await readdir(directory)
    const real = name
      .replace('CHECKPOINT', names.find((each) => each.endsWith('.checkpoint'))!)
      .replace('MANIFEST', names.find((each) => each.startsWith('pool-') && each.endsWith('.json'))!)
    await forge(directory, real, change)
    const { exitCode, stdout } = await typed(commands, directory)
    expect(stdout).toContain(`${real}: OK`)
    expect(exitCode).not.toBe(0)
  })

  it('is refused for what is not on record, not sealed, or not named, and writes into no directory that exists', async () => {
    const refused = async (...what: string[]) => (await line.hansard(['prove', ...what])).stderr
    expect(await refused('desk', '99')).toContain('has no chat 99 that is staged')
    expect(await refused('nowhere', '1')).toContain('There is no room')
    expect(await refused('channel-1/1/999')).toContain('No event channel-1/1/999 is staged')
    expect(await refused('channel-1')).toContain('events are named like channel-1/7/42')
    expect(await refused('desk', 'x')).toContain('not the number of a chat')
    expect(await refused('desk', '1', '--out', temporary)).toContain('exists: name a new directory')
  })

  it('is for officers and auditors, and each look is on record', async () => {
    const env = await line.addUser('bob')
    expect(await line.hansard(['prove', 'desk', '1', '--as', 'bob'], { env })).toMatchObject({ exitCode: 1 })
    await proofOf('desk', '2')
    const { records } = await line.json(['audit', 'list', '--action', 'prove-event', '--limit', '1'])
    expect(records).toMatchObject([{ actor: 'operator', detail: { room: 'desk', chat: 2 } }])
  })
})

describe('a stranger with a package, a public key, openssl, sha256sum and Python', () => {
  it('Deloitte 2014 and 2022, was this message archived: proves one message, and finds one that was taken out', async () => {
    const { directory, commands } = await written('desk', '3')
    const exports = join(temporary, 'package')
    await cp(line.pool.exports, exports, { recursive: true })
    const key = join(directory, 'key.pub')
    const verifier = join(temporary, 'verify.py')
    await cp(new URL('../../../../docs/verify.py', import.meta.url).pathname, verifier)
    const verify = () => {
      try {
        return String(execFileSync('python3', ['-I', verifier, '--key', key, exports], { stdio: 'pipe' }))
      } catch (error) {
        return String((error as { stdout: Buffer }).stdout)
      }
    }
    expect(await typed(commands, directory)).toMatchObject({ exitCode: 0 })
    expect(verify()).toContain('Good: every file is as it was sealed')

    // Somebody takes the chat out of the document, and its line out of the chain file.
    const proof = await proofOf('desk', '3')
    const { chain, adapter } = proof.exports[0]!
    const path = join(exports, adapter, chain!.name)
    const lines = (await readFile(path, 'utf8')).split('\n')
    await writeFile(path, lines.toSpliced(chain!.line - 1, 1).join('\n'))
    const found = verify()
    expect(found).toContain(`number ${proof.event.seq} is due`)
    expect(found).not.toContain('Good')
  })
})
