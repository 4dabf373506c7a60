import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { checkStoredFile, type OpenStoredFile, StoredFileProblem, storedFilesIn } from './check-stored-file.ts'

const directory = await mkdtemp(join(tmpdir(), 'hansard-stored-'))
afterAll(() => rm(directory, { recursive: true, force: true }))

const file = { storedName: '7f3a.txt', size: 5, sha256: createHash('sha256').update('beans').digest('hex') }
const holding = (...pieces: string[]): OpenStoredFile =>
  async function* () {
    for (const piece of pieces) yield Buffer.from(piece)
  }

describe('an uploaded file', () => {
  it('passes when the store has exactly its bytes', async () => {
    await expect(checkStoredFile(holding('be', 'ans'), file)).resolves.toBeUndefined()
  })

  it.each([
    ['is shorter', holding('bean')],
    ['is longer', holding('beans', '.')],
    ['holds other bytes', holding('peans')],
  ])('is named when what is there %s', async (_, open) => {
    await expect(checkStoredFile(open, file)).rejects.toThrow('The file 7f3a.txt in the compliance file store is not')
  })

  it('is named when it is missing or unreadable', async () => {
    const failing = (code: string): OpenStoredFile =>
      async function* () {
        yield Buffer.from('be')
        throw Object.assign(new Error(code), { code })
      }
    await expect(checkStoredFile(failing('ENOENT'), file)).rejects.toThrow(
      '7f3a.txt is not in the compliance file store',
    )
    await expect(checkStoredFile(failing('EIO'), file)).rejects.toThrow(
      '7f3a.txt cannot be read from the compliance file store (EIO)',
    )
  })

  it.each(['../secret', '..', '.a', 'a', '/etc/passwd', 'ab/../../x', '', 'ab\0', 'x/y'])(
    'is never a path: %j',
    async (storedName) => {
      const opened: string[] = []
      const open: OpenStoredFile = async function* (name) {
        opened.push(name)
        yield Buffer.from('beans')
      }
      await expect(checkStoredFile(open, { ...file, storedName })).rejects.toThrow(StoredFileProblem)
      expect(opened).toEqual([])
    },
  )
})

describe('the compliance file store', () => {
  it('stores a file in the directory of its first two characters', async () => {
    await mkdir(join(directory, '7f'))
    await writeFile(join(directory, '7f', '7f3a.txt'), 'beans')
    await expect(checkStoredFile(storedFilesIn(directory), file)).resolves.toBeUndefined()
    await expect(checkStoredFile(storedFilesIn(directory), { ...file, storedName: '7f3b.txt' })).rejects.toThrow(
      'is not in',
    )
  })

  it('is empty for a worker that has none configured', async () => {
    await expect(checkStoredFile(storedFilesIn(undefined), file)).rejects.toThrow('Set HANSARD_COMPLIANCE_FILE_STORE')
  })
})
