export type { VerifyAuditReply } from './audit.ts'
export { AddCategoryRequest, Category, CategoryDetail, ChangeCategoryRequest } from './categories.ts'
export { DEFAULT_REPLACEMENT } from './chats.ts'
export { ComplianceChange } from './compliance-changes.ts'
export { ComplianceSettings } from './compliance-configuration.ts'
export { DATA_EXPORT_PATH, DATA_IMPORT_PATH, ExportDataQuery, ImportDataQuery, ImportLine } from './data.ts'
export { ExportDetail, ExportSummary, exportId, ListExportsReply, parseExportId } from './exports.ts'
export type { AcceptGapRequest, OpenGap } from './gaps.ts'
export { AddGroupRequest, ChangeGroupRequest, Group, GroupDetail } from './groups.ts'
export { openApiDocument } from './openapi.ts'
export { PROBLEM_STATUS, Problem, type ProblemCode } from './problem.ts'
export { ProofReply } from './proof.ts'
export {
  CheckResult,
  QuarantineRetryResult,
  ReplayResult,
  RequestState,
  RestoreResult,
  SealResult,
} from './requests.ts'
export {
  AddRoomsReply,
  ChangeRoomReply,
  ChangeRoomRequest,
  CreateRoomRequest,
  ListRoomsQuery,
  RoomDetail,
  RoomEntry,
} from './rooms.ts'
export type { Caller, Look, Route } from './route.ts'
export {
  ADMIN_ROUTES,
  type AdminReplyOf,
  type AdminRequestOf,
  type AdminRouteName,
  type AdminRoutes,
  adminPath,
} from './routes.ts'
export { ActiveServersReply, ChangeAddInRequest, PoolSettings } from './settings.ts'
export { OPERATOR_ACCOUNT } from './sign-in.ts'
export { PoolStatus, SealedInterval } from './status.ts'
export { UsageReportQuery } from './usage.ts'
export { AddUsersReply, BATCH_MAX, ChangeUserRequest, ListUsersQuery, NewUser, User, UserDetail } from './users.ts'
