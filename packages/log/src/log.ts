import { type Logger, pino } from 'pino'

/** A structured log: `log.warn({ room }, 'what happened')`. Lines are JSON on standard error. */
export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'> & {
  child(bindings: Record<string, unknown>): Log
}

/** Values under these names are redacted before a line is written, wherever the caller put them. */
const SECRET_NAMES = ['password', 'secret', 'token', 'authorization', 'cookie', 'databaseUrl', 'redisUrl']

/** Standard output carries a command's answer; the log goes to standard error. */
export function createLog({ service, level }: { service: string; level: string }): Log {
  return pino(
    {
      name: service,
      level,
      redact: { paths: SECRET_NAMES.flatMap((name) => [name, `*.${name}`]), censor: '[secret]' },
    },
    pino.destination({ fd: 2, sync: true }),
  )
}

export const silentLog: Log = pino({ level: 'silent' })
