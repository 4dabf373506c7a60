/** The database refused a second row with the same key. */
export function isUniqueViolation(error: unknown): boolean {
  const code = codeOf(error)
  return code === '23505' || code === 'SQLITE_CONSTRAINT_UNIQUE' || code === 'SQLITE_CONSTRAINT_PRIMARYKEY'
}

// PostgreSQL classes: 08 connection, 40 rollback (deadlock, serialization), 53 resources, 57 operator intervention.
const POSTGRES_TRANSIENT = /^(08|40|53|57|55P03)/
const SOCKET_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ENOENT',
  'ENOTFOUND',
  'EHOSTUNREACH',
])
const SQLITE_TRANSIENT = /^SQLITE_(BUSY|LOCKED|FULL|IOERR|CANTOPEN|READONLY)/
const CONNECTION_LOST =
  /Query read timeout|timeout expired|Connection terminated|Connection ended|timeout acquiring a connection|not queryable|Client has encountered/i

/** Whether a retry may succeed: the server is away or busy, or its disk is full. */
export function isTransient(error: unknown): boolean {
  const code = codeOf(error)
  if (code && (POSTGRES_TRANSIENT.test(code) || SOCKET_CODES.has(code) || SQLITE_TRANSIENT.test(code))) return true
  if (error instanceof AggregateError) return error.errors.some(isTransient)
  return error instanceof Error && CONNECTION_LOST.test(error.message)
}

function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code
  return typeof code === 'string' ? code : undefined
}
