export {
  ExportDetail,
  ExportFileEntry,
  ExportSummary,
  exportId,
  ListExportsQuery,
  ListExportsReply,
  parseExportId,
} from './exports.ts'
export { PageQuery } from './paging.ts'
export { PROBLEM_CODES, Problem, type ProblemCode } from './problem.ts'
export { QuarantinedEvent, QuarantineReply } from './quarantine.ts'
export { QuarantineRetryResult, ReplayResult, RequestAccepted, RequestState, SealResult } from './requests.ts'
export { AddRoomsReply, AddRoomsRequest, ListRoomsReply, NewRoom, RoomEntry } from './rooms.ts'
export {
  ADMIN_ROUTES,
  type AdminReplyOf,
  type AdminRequestOf,
  type AdminRouteName,
  type AdminRoutes,
  adminPath,
  type Route,
} from './routes.ts'
export { AdminSignInReply, AdminSignInRequest, OPERATOR_ACCOUNT } from './sign-in.ts'
export {
  AdapterStatus,
  DeclareDeadReply,
  DeclareDeadRequest,
  PoolStatus,
  SealedInterval,
  SourceStatus,
} from './status.ts'
export {
  AddUsersReply,
  AddUsersRequest,
  BATCH_MAX,
  ListUsersReply,
  NewUser,
  SetPasswordReply,
  SetPasswordRequest,
  User,
} from './users.ts'
