/** The database refused a second row with the same key. */
export function isUniqueViolation(error: unknown): boolean {
  const code = codeOf(error)
  return code === '23505' || code === 'SQLITE_CONSTRAINT_UNIQUE' || code === 'SQLITE_CONSTRAINT_PRIMARYKEY'
}

// PostgreSQL classes: 08 connection, 40 rollback (deadlock, serialization), 53 resources, 57 operator intervention;
// 25006 comes from a server that has become a standby or was set to read-only.
const POSTGRES_TRANSIENT = /^(08|40|53|57|55P03|25006|25P03)/
// 57P01 to 57P03, 57P05 and 25P03: the server stops, crashed, starts, or ended an idle session or transaction.
const POSTGRES_CONNECTION = /^(08|57P0|25006|25P03)/
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

/** The connection is broken, or its server accepts no writes: only a new connection can reach one that does. */
export function losesConnection(error: unknown): boolean {
  const code = codeOf(error)
  if (code && (POSTGRES_CONNECTION.test(code) || SOCKET_CODES.has(code))) return true
  return error instanceof Error && CONNECTION_LOST.test(error.message)
}

/**
 * PostgreSQL rolled the whole transaction back because of others (deadlock, serialization): it may be retried at
 * once.
 */
export function isRolledBack(error: unknown): boolean {
  const code = codeOf(error)
  return code === '40001' || code === '40P01'
}

/** PostgreSQL did nothing because an earlier statement of the transaction failed: that one has the cause. */
export function isAfterFailure(error: unknown): boolean {
  return codeOf(error) === '25P02'
}

function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code
  return typeof code === 'string' ? code : undefined
}
