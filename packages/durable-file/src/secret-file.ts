import { randomBytes } from 'node:crypto'
import { link, mkdir, rm } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { DISK, type Disk, flushDirectory, writeDurably } from './write-durably.ts'

/** Only the owner may read it. */
const MODE = 0o600

/**
 * Makes a file that only its owner may read, when there is none; one that is there stays. Of two processes that start
 * at once, the second keeps what the first made. Either finds the file durable.
 */
export async function createSecretFile(
  file: string,
  text: string,
  { disk = DISK }: { disk?: Disk } = {},
): Promise<'created' | 'kept'> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const temporary = `${file}.${randomBytes(6).toString('hex')}.new`
  try {
    const handle = await disk.open(temporary, 'wx', MODE)
    try {
      await handle.writeFile(text)
      await handle.sync()
    } finally {
      await handle.close()
    }
    // A link, not a rename: it fails when the file is there.
    const made = await link(temporary, file).then(
      () => 'created' as const,
      (error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') throw error
        return 'kept' as const
      },
    )
    await flushDirectory(dirname(file), disk)
    return made
  } finally {
    await rm(temporary, { force: true })
  }
}

/** Puts another text in the place of the one in the file, at once or not at all. */
export async function replaceSecretFile(file: string, text: string): Promise<void> {
  await writeDurably(dirname(file), basename(file), text, { mode: MODE })
}
