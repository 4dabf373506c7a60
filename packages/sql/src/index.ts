export type { Knex } from 'knex'
export {
  type Database,
  type Dialect,
  openDatabase,
  type SqliteHandle,
  sendTogether,
  settled,
  withPostgres,
  withSqlite,
} from './database.ts'
export { databaseNow } from './database-now.ts'
export { endingBlockers } from './end-blockers.ts'
export { isTransient, isUniqueViolation } from './errors.ts'
export { gathered } from './gathered.ts'
export { groupedStatement, groupedTransaction } from './grouped.ts'
export { keyedRead } from './keyed-read.ts'
export {
  assertLease,
  breakLease,
  type Lease,
  LeaseLost,
  leaseHeld,
  listLeases,
  releaseLease,
  takeLease,
  underLease,
} from './leases.ts'
export { type Migration, migrate } from './migrate.ts'
export { type Bound, isOneOf, rowsOf } from './rows.ts'
export { withSnapshot } from './snapshot.ts'
