import { openApiDocument } from '@hansard/admin-contract'
import type { Handle, Handlers } from './call.ts'
import * as categories from './change-categories.ts'
import * as chats from './change-chats.ts'
import * as groups from './change-groups.ts'
import * as rooms from './change-rooms.ts'
import * as settings from './change-settings.ts'
import * as users from './change-users.ts'
import * as complianceChanges from './compliance-changes.ts'
import * as compliance from './compliance-configuration.ts'
import {
  checkExports,
  listExports,
  quarantine,
  replayExport,
  requestState,
  restoreExport,
  retryQuarantine,
  seal,
  showExport,
} from './exports.ts'
import { acceptGapOf, gaps } from './gaps.ts'
import { breakLeaseByName, leases } from './leases.ts'
import * as ownAccount from './own-account.ts'
import * as state from './pool-state.ts'
import { proveEvent } from './prove-event.ts'
import * as audit from './show-audit.ts'
import * as shownCategories from './show-categories.ts'
import * as shownGroups from './show-groups.ts'
import * as shownRooms from './show-rooms.ts'
import * as shownSettings from './show-settings.ts'
import { listSignIns } from './show-sign-ins.ts'
import * as shownUsers from './show-users.ts'
import { signIn } from './sign-in.ts'
import { declareSourceDead } from './sources.ts'
import { poolStatus } from './status.ts'
import { createUsageReport } from './usage.ts'

/** The handler of each route. The compiler checks that every route of the catalogue has one. */
export function handlers(): Handlers {
  return {
    signIn,
    openapi: createOpenApi(),
    ...ownAccount,
    listSignIns,
    ...users,
    ...shownUsers,
    ...groups,
    ...shownGroups,
    ...categories,
    ...shownCategories,
    ...rooms,
    ...shownRooms,
    ...chats,
    ...settings,
    ...shownSettings,
    ...state,
    listComplianceConfigurations: compliance.listComplianceConfigurations,
    putComplianceConfiguration: compliance.putComplianceConfiguration,
    removeComplianceConfiguration: compliance.removeComplianceConfiguration,
    ...complianceChanges,
    ...audit,
    status: (deps) => poolStatus(deps),
    usageReport: createUsageReport(),
    declareDead: declareSourceDead,
    gaps,
    acceptGap: acceptGapOf,
    leases,
    breakLease: breakLeaseByName,
    listExports,
    showExport,
    proveEvent,
    replayExport,
    checkExports,
    restoreExport,
    quarantine,
    retryQuarantine,
    seal,
    request: requestState,
  }
}

/** The document is the same for every request, and costs more to generate than any other reply. */
function createOpenApi(): Handle<'openapi'> {
  let document: ReturnType<typeof openApiDocument> | undefined
  return async ({ version }) => {
    document ??= openApiDocument({ version })
    return document
  }
}
