export { COMPLIANCE, compliancePostgres, complianceSqlite } from './databases-in-test.ts'
export { type ScriptedPool, type ScriptedSource, scriptedPool } from './scripted-pool.ts'
