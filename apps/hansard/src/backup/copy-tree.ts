import { createReadStream } from 'node:fs'
import { chmod, mkdir, readdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { digestOf, writeDurably } from '@hansard/durable-file'

export type CopiedFile = { readonly name: string; readonly size: number; readonly sha256: string }

/** Copies a file for its owner alone, and reads the copy again. Returns undefined when there is no such file. */
export async function copyFileDurably(from: string, to: string): Promise<Omit<CopiedFile, 'name'> | undefined> {
  // The directory keeps others out until the file's own mode does.
  await mkdir(dirname(to), { recursive: true, mode: 0o700 })
  try {
    const { size, sha256 } = await writeDurably(dirname(to), basename(to), createReadStream(from), { mode: 0o600 })
    await chmod(to, 0o600)
    if ((await digestOf(to))?.sha256 !== sha256) throw new Error(`${to} does not read as it was written.`)
    return { size, sha256 }
  } catch (error) {
    const { code, path } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' && path === from) return undefined
    throw error
  }
}

/** Names of all files below a directory, relative to it, sorted; without those in `skip`. None when there is no directory. */
export async function filesBelow(directory: string, { skip = [] as readonly string[] } = {}): Promise<string[]> {
  const names: string[] = []
  const walk = async (below: string) => {
    for (const entry of await readdir(join(directory, below), { withFileTypes: true })) {
      const name = below === '' ? entry.name : `${below}/${entry.name}`
      if (skip.includes(name)) continue
      if (entry.isDirectory()) await walk(name)
      else if (entry.isFile()) names.push(name)
    }
  }
  await walk('').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT' || error.path !== join(directory, '')) throw error
  })
  return names.sort()
}
