import { openPoolAt } from './pool-in-test.ts'

/** A process of its own that imports, for a test to kill: `import-in-child.ts <database> <zip> <clock>`. */
const [url = '', zip = '', clock = ''] = process.argv.slice(2)
const pool = await openPoolAt(url, 'two')
pool.clock.advance({ ms: Number(clock) })
const report = await pool.importFrom(zip, {
  onProgress: (entry, lines) => void process.stdout.write(`${entry} ${lines}\n`),
})
process.stdout.write(`done ${JSON.stringify(report)}\n`)
await pool.db.close()
