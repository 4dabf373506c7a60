import { systemClock } from '@hansard/clock'
import type { Service } from '@hansard/lifecycle'
import { createLog } from '@hansard/log'
import type { Io } from '../cli/io.ts'
import { PASSWORD_KEPT, startStandardEdition } from './standard-edition.ts'

const RUN_INTERVAL_MS = 60_000

/** A pool on a data directory for as long as one command takes. It listens on this machine only, on any free port. */
export async function startEmbeddedPool({ data, io }: { data: string; io: Io }): Promise<Service> {
  const log = createLog({ service: 'hansard', level: 'error' })
  const pool = await startStandardEdition(
    {
      data,
      port: 0,
      host: '127.0.0.1',
      runIntervalMs: RUN_INTERVAL_MS,
      operatorPassword: io.env.optional('HANSARD_ADMIN_PASSWORD'),
      logLevel: 'error',
      complianceThread: true,
    },
    { clock: systemClock, log },
  )
  if (pool.oneTimePassword !== undefined) {
    io.stderr.write(`This pool is new. Its operator's password, told only now: ${pool.oneTimePassword}\n`)
  }
  if (pool.otherPasswordKept) io.stderr.write(PASSWORD_KEPT)
  return pool
}
