export { compliancePostgres, complianceSqlite } from './databases.ts'
export { type ScriptedPool, type ScriptedSource, scriptedPool } from './scripted-pool.ts'
