export { COMPLIANCE, compliancePostgres, complianceSqlite } from './databases-in-test.ts'
export { principal, roomUri, type ScriptedPool, type ScriptedSource, scriptedPool } from './scripted-pool.ts'
