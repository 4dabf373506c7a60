export { compliancePostgres, complianceSqlite } from './databases.ts'
export { principal, roomUri, type ScriptedPool, type ScriptedSource, scriptedPool } from './scripted-pool.ts'
