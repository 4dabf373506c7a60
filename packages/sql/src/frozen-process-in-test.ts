import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { openDatabase } from './index.ts'

/** A process that is stopped (SIGSTOP) in the middle of a transaction, after `statement` has taken its locks. */
export async function freezeInTransaction(url: string, statement: string): Promise<ChildProcess & AsyncDisposable> {
  const child = spawn(process.execPath, ['--conditions=@hansard/source', import.meta.filename, url, statement], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  await Promise.race([
    once(child.stdout!, 'data'),
    once(child, 'exit').then(() => {
      throw new Error('The process ended before it held its locks.')
    }),
  ])
  child.kill('SIGSTOP')
  return Object.assign(child, {
    async [Symbol.asyncDispose]() {
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    },
  })
}

if (import.meta.main) {
  const [url, statement] = process.argv.slice(2) as [string, string]
  const db = openDatabase({ url, applicationName: 'frozen' })
  const tx = await db.knex.transaction()
  await tx.raw(statement)
  process.stdout.write('holds\n')
  process.stdin.resume()
}
