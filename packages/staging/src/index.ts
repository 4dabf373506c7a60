export { activateAdapters, noteProblem } from './adapters.ts'
export { type AuditRecord, appendAudit, listAudit } from './audit.ts'
export { type CloseDecision, decideClose, type Holding } from './close-decision.ts'
export {
  type ConfigurationChange,
  type ConfigurationSettings,
  listComplianceConfigurations,
  putComplianceConfiguration,
  removeComplianceConfiguration,
  type StoredConfiguration,
  type StoredConfigurations,
  seedComplianceConfigurations,
} from './compliance-configurations.ts'
export {
  type ChainLink,
  chainOfAddendum,
  chainOfInterval,
  type ExportSource,
  StagingAltered,
  sourcesOfAddendum,
  sourcesOfInterval,
} from './export-chain.ts'
export { exportEvents } from './export-events.ts'
export { EXPORTER_LEASE } from './exporter-lease.ts'
export {
  type Export,
  type ExportFileRecord,
  type ExportSettings,
  exportsOfInterval,
  filesOf,
  findExport,
  getStylesheet,
  listExports,
  nextUnsealed,
  previousManifest,
  recordSettings,
  sealExport,
} from './exports.ts'
export {
  closedIntervalFor,
  closeInterval,
  intervalReadiness,
  type NumberedInterval,
  openInterval,
} from './intervals.ts'
export { migrateStaging, STAGING_MIGRATIONS } from './migrations.ts'
export { bindEvents, numberExports, registerAdapters } from './plan-exports.ts'
export { countQuarantined, listQuarantined, type Quarantined, retryQuarantine } from './quarantine.ts'
export {
  type Answer,
  addRequest,
  answerRequest,
  findRequest,
  noteWaiting,
  type RequestDetail,
  readAsked,
  type WorkRequest,
  waitingRequests,
} from './requests.ts'
export { type AsOf, roomsWithRoster, rostersOf } from './rosters.ts'
export { finishedSources, recordSourceProgress, rollCallTakenAt, stagedThrough } from './source-progress.ts'
export { type EventsEnvelope, type StageResult, stageEvents } from './stage-events.ts'
export { type AdapterProgress, readStatus, type SourceStanding, type StagingStatus } from './status.ts'
