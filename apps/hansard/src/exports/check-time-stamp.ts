import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CheckTimeStamp } from '@hansard/evidence'
import { unreachable } from '../cli/command-failure.ts'

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/**
 * Checks time stamps with openssl against the certificates in a file. The certificate of the authority has to be valid
 * at the time that the stamp names, not today: stamps are kept for longer than certificates last.
 */
export function timeStampChecker(caFile: string): CheckTimeStamp {
  return async ({ reply, data }) => {
    const directory = await mkdtemp(join(tmpdir(), 'hansard-time-stamp-'))
    try {
      const [replyFile, dataFile] = [join(directory, 'reply'), join(directory, 'data')]
      await writeFile(replyFile, reply)
      await writeFile(dataFile, data)
      const shown = await openssl('ts', '-reply', '-in', replyFile, '-text')
      const at = shown === undefined ? undefined : timeIn(shown)
      if (at === undefined) return undefined
      const attime = String(Math.floor(at / 1_000))
      const verified = await openssl(
        ...['ts', '-verify', '-in', replyFile, '-data', dataFile, '-CAfile', caFile, '-attime', attime],
      )
      return verified === undefined ? undefined : at
    } finally {
      await rm(directory, { recursive: true })
    }
  }
}

/** `Time stamp: Nov 29 09:15:56.25 2026 GMT` in what openssl shows of a reply. */
function timeIn(shown: string): number | undefined {
  const found = /^Time stamp: (\w{3}) +(\d+) (\d\d):(\d\d):(\d\d)(?:\.(\d+))? (\d{4}) GMT$/m.exec(shown)
  const month = MONTHS.indexOf(found?.[1] ?? '')
  if (!found || month === -1) return undefined
  const [day, hour, minute, second, year] = [2, 3, 4, 5, 7].map((group) => Number(found[group]))
  return Date.UTC(year!, month, day, hour, minute, second, Number((found[6] ?? '').padEnd(3, '0').slice(0, 3)))
}

/** What it printed, or undefined when it ended with an error. */
function openssl(...args: string[]): Promise<string | undefined> {
  return new Promise((resolve, reject) =>
    execFile('openssl', args, (error, stdout) => {
      if (error?.code === 'ENOENT')
        reject(unreachable('openssl is not installed.', 'Time stamps cannot be checked without it.'))
      else resolve(error ? undefined : stdout)
    }),
  )
}
