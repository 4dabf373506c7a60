export { acceptGap } from './accept-gap.ts'
export { type GapOnRecord, gapsOfExport, listGaps, type StagedGap } from './accepted-gaps.ts'
export { activateAdapters, noteProblem } from './adapters.ts'
export { adoptExport } from './adopt-export.ts'
export { AdoptionRefused, adoptInterval, type SealedGap, type SealedLines } from './adopt-interval.ts'
export {
  type AnchorCargo,
  type AnchorState,
  nameAnchors,
  newestSealedNumber,
  newestSealedPoolManifest,
  noteAnchorProblem,
  readAnchors,
  recordDelivery,
} from './anchors.ts'
export { approvalMode, setApprovalMode } from './approval-mode.ts'
export { appendAudit, listAudit } from './audit.ts'
export {
  type AuditProblem,
  auditHead,
  type SealedHead,
  type SealedHeads,
  sealedHeads,
  startAuditWalk,
  stepAuditWalk,
  verifyAudit,
} from './audit-chain.ts'
export { recordAuditCheck } from './audit-check.ts'
export type { CloseDecision } from './close-decision.ts'
export {
  type ApprovalMode,
  type ConfigurationChange,
  type ConfigurationSettings,
  listComplianceConfigurations,
  putComplianceConfiguration,
  removeComplianceConfiguration,
  seedComplianceConfigurations,
} from './compliance-configurations.ts'
export {
  type ChainLink,
  chainOfAddendum,
  chainOfInterval,
  type ExportSource,
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
  lastSealed,
  listExports,
  nextUnsealed,
  previousManifest,
  recordSettings,
  sealExport,
} from './exports.ts'
export {
  beginFileCheck,
  type DamagedFile,
  fileCheck,
  nextToCheck,
  recordFileCheck,
} from './file-check.ts'
export { type FoundEvent, findChat, findEvents, placesOfEvent } from './find-event.ts'
export { forksOfInterval } from './forks.ts'
export { heldTexts, type StagedState, stagedStates } from './held-texts.ts'
export { closedIntervalFor, closedThrough, closeInterval, intervalReadiness, openInterval } from './intervals.ts'
export { lackingIn, lackingNumbers, noteLacking, StagedRowMissing, stampsAround } from './lacking-rows.ts'
export { migrateStaging } from './migrations.ts'
export { notRunningOf, type TimeNotRunning } from './not-running.ts'
export { directoryIdentity, hasSealedIn, recordDirectoryIdentity } from './output-directories.ts'
export { bindEvents, hasExports, numberExports, registerAdapters } from './plan-exports.ts'
export { linesOfInterval } from './pool-lines.ts'
export {
  adoptPoolManifest,
  type ClosedInterval,
  nextPoolManifest,
  type PlannedPoolManifest,
  type PoolSeries,
  planPoolManifest,
  poolManifestTexts,
  recordPoolManifest,
  sealedPoolManifest,
  seriesAt,
  signingKeyOnRecord,
  takeSigningKey,
} from './pool-manifests.ts'
export { claimPoolName, poolNameOnRecord } from './pool-name.ts'
export { notePoolProblem } from './pool-sealing-state.ts'
export {
  approveComplianceChange,
  closeComplianceChange,
  findComplianceChange,
  listComplianceChanges,
  type ProposedChange,
  proposeComplianceChange,
} from './proposed-changes.ts'
export { countQuarantined, listQuarantined, retryQuarantine } from './quarantine.ts'
export {
  addRequest,
  answerRequest,
  findRequest,
  noteWaiting,
  type RequestDetail,
  readAsked,
  type WorkRequest,
  waitingRequests,
} from './requests.ts'
export { roomsWithRoster, rostersOf } from './rosters.ts'
export { keyOfSource, type SourceIdentity } from './source-identity.ts'
export { finishedSources, recordSourceProgress, rollCallTakenAt, stagedThrough } from './source-progress.ts'
export { stageEvents } from './stage-events.ts'
export { stagedNumbers } from './staged-numbers.ts'
export { type AdapterProgress, readStatus, type StagingStatus } from './status.ts'
