export type { Knex } from 'knex'
export { type Database, type Dialect, openDatabase, type SqliteHandle, withPostgres, withSqlite } from './database.ts'
export { isTransient, isUniqueViolation } from './errors.ts'
export { type Migration, MigrationError, migrate } from './migrate.ts'
