import { existsSync } from 'node:fs'
import { copyFile, mkdir, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { askRun } from './ask-run.ts'

/** A database that is prepared once per run and then copied. A name means the same template in all files. */
export type Template = { readonly name: string; prepare(url: string): Promise<void> }

/** `template('pool', openDatabase, (db) => migrate(db, POOL_MIGRATIONS))` */
export function template<D extends { close(): Promise<void> }>(
  name: string,
  open: (options: { url: string }) => D,
  fill: (db: D) => Promise<unknown>,
): Template {
  return {
    name,
    async prepare(url) {
      const db = open({ url })
      try {
        await fill(db)
      } finally {
        await db.close()
      }
    },
  }
}

/** Creates the SQLite database `file` from the template and returns its URL. */
export async function copyOfTemplate({ name, prepare }: Template, file: string): Promise<string> {
  const run = await askRun('templates')
  if (!run) {
    await prepare(`sqlite:${file}`)
    return `sqlite:${file}`
  }
  const original = join(run.directory, `${name}-${run.generation}.db`)
  if (!existsSync(original)) {
    // Two files may create it concurrently; the last rename wins, and both are equal.
    const making = join(run.directory, `${name}-${crypto.randomUUID()}.db`)
    await prepare(`sqlite:${making}`)
    await rename(making, original)
    for (const rest of ['-wal', '-shm']) await rm(`${making}${rest}`, { force: true })
  }
  await mkdir(dirname(file), { recursive: true })
  await copyFile(original, file)
  return `sqlite:${file}`
}
