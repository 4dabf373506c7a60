export {
  AddCategoryRequest,
  Category,
  CategoryDetail,
  CategoryEntry,
  ChangeCategoryRequest,
  ListCategoriesQuery,
  ListCategoriesReply,
} from './categories.ts'
export { DEFAULT_REPLACEMENT, RemoveChatsRequest, ReplaceChatsRequest } from './chats.ts'
export {
  ComplianceConfigurationChanged,
  ComplianceConfigurationEntry,
  ComplianceConfigurationRemoved,
  ComplianceSettings,
  ListComplianceConfigurationsReply,
} from './compliance-configuration.ts'
export {
  DATA_EXPORT_PATH,
  DATA_IMPORT_PATH,
  DataReportReply,
  ExportDataQuery,
  ImportDataQuery,
  ImportLine,
} from './data.ts'
export { Done, OpenApiDocument, Removed } from './done.ts'
export {
  ExportDetail,
  ExportFileEntry,
  ExportSummary,
  exportId,
  ListExportsQuery,
  ListExportsReply,
  parseExportId,
} from './exports.ts'
export { AddGroupRequest, ChangeGroupRequest, Group, GroupDetail, ListGroupsQuery, ListGroupsReply } from './groups.ts'
export { openApiDocument } from './openapi.ts'
export { PageQuery } from './paging.ts'
export { PrincipalEntry, PrincipalsChange } from './principals.ts'
export { PROBLEM_CODES, PROBLEM_STATUS, Problem, type ProblemCode } from './problem.ts'
export { QuarantinedEvent, QuarantineReply } from './quarantine.ts'
export { QuarantineRetryResult, ReplayResult, RequestAccepted, RequestState, SealResult } from './requests.ts'
export {
  AddRoomsReply,
  AddRoomsRequest,
  ChangeRoomReply,
  ChangeRoomRequest,
  ChangeRoomRolesRequest,
  ChatsChangedReply,
  ClearRoomRequest,
  CreateRoomRequest,
  EligiblePrincipalsQuery,
  EligiblePrincipalsReply,
  ListRoomsQuery,
  ListRoomsReply,
  MoveRoomRequest,
  NewRoom,
  RoomDetail,
  RoomEntry,
} from './rooms.ts'
export type { Caller, Callers, Look, Route } from './route.ts'
export {
  ADMIN_ROUTES,
  type AdminQueryOf,
  type AdminReplyOf,
  type AdminRequestOf,
  type AdminRouteName,
  type AdminRoutes,
  adminPath,
} from './routes.ts'
export {
  ActiveServersReply,
  AddEndpointRequest,
  AddIn,
  AddInRequest,
  AddPolicyRequest,
  ChangeAddInRequest,
  ChangePolicyRequest,
  EffectiveConfigurationQuery,
  EffectiveConfigurationReply,
  Endpoint,
  GrantPolicyRequest,
  ListAddInsReply,
  ListEndpointsReply,
  ListPoliciesReply,
  ListPoolConfigurationsReply,
  Policy,
  PoolConfigurationEntry,
  PoolSettings,
  PoolSettingsChange,
  PoolStateName,
  PoolStateReply,
  SetActiveServersRequest,
  SetPoolStateRequest,
  SettingsQuery,
} from './settings.ts'
export {
  AdminSignInReply,
  AdminSignInRequest,
  ChangeOwnPasswordRequest,
  OPERATOR_ACCOUNT,
  SignOutRequest,
} from './sign-in.ts'
export { ListSignInsQuery, ListSignInsReply, SignInEntry } from './sign-ins.ts'
export {
  AdapterStatus,
  DeclareDeadReply,
  DeclareDeadRequest,
  EndedAdapter,
  PoolStatus,
  SealedInterval,
  SourceStatus,
} from './status.ts'
export { UsageReport, UsageReportQuery } from './usage.ts'
export {
  AddUsersReply,
  AddUsersRequest,
  BATCH_MAX,
  ChangeUserRequest,
  ListUsersQuery,
  ListUsersReply,
  NewUser,
  SetPasswordReply,
  SetPasswordRequest,
  User,
  UserDetail,
} from './users.ts'
