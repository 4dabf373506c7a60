import { openFileStores } from '@hansard/file-store'
import type { DataFile } from './index.ts'
import { openPoolAt } from './pool-in-test.ts'

/**
 * A process that imports, for a test to kill: `import-in-child.ts <database> <zip> <clock> [<directory> [<n>]]`. With
 * a directory it uses file stores there and stops for ever in the middle of the n-th copy.
 */
const [url = '', zip = '', clock = '', directory, held = '0'] = process.argv.slice(2)
const pool = await openPoolAt(url, 'two')
pool.clock.advance({ ms: Number(clock) })
const fileStores =
  directory === undefined
    ? undefined
    : await openFileStores({ directory: `${directory}/files`, complianceDirectory: `${directory}/compliance-files` })
let copies = 0
const holding = (file: DataFile): DataFile => ({
  ...file,
  bytes(entry) {
    const content = file.bytes(entry)
    copies += 1
    return content && copies === Number(held) ? stuck(content) : content
  },
})
async function* stuck(content: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const piece of content) {
    yield piece
    process.stdout.write('held\n')
    // Keeps the process alive for ever.
    await new Promise((resolve) => process.stdin.once('data', resolve))
  }
}
const report = await pool.importFrom(zip, {
  fileStores,
  through: holding,
  onProgress: (entry, lines) => void process.stdout.write(`${entry} ${lines}\n`),
})
process.stdout.write(`done ${JSON.stringify(report)}\n`)
await pool.db.close()
