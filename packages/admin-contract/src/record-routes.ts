import {
  ComplianceConfigurationChanged,
  ComplianceConfigurationRemoved,
  ComplianceSettings,
  ListComplianceConfigurationsReply,
} from './compliance-configuration.ts'
import { OpenApiDocument } from './done.ts'
import { ExportDetail, ListExportsQuery, ListExportsReply } from './exports.ts'
import { QuarantineReply } from './quarantine.ts'
import { RequestAccepted, RequestState } from './requests.ts'
import { NO_QUERY, type Route } from './route.ts'
import { DeclareDeadReply, DeclareDeadRequest, PoolStatus } from './status.ts'
import { UsageReport, UsageReportQuery } from './usage.ts'

/** The record: status, exports, quarantine, and what the compliance worker is told. */
export const RECORD_ROUTES = {
  openapi: {
    method: 'GET',
    path: '/admin/openapi.json',
    summary: 'This description',
    roles: 'everybody',
    query: NO_QUERY,
    body: undefined,
    reply: OpenApiDocument,
  },
  status: {
    method: 'GET',
    path: '/admin/status',
    summary: 'Where everything that was accepted is right now',
    roles: ['administrator', 'operator', 'officer', 'auditor'],
    query: NO_QUERY,
    body: undefined,
    reply: PoolStatus,
  },
  usageReport: {
    method: 'GET',
    path: '/admin/usage',
    summary: 'Who used the pool, and which rooms were used',
    roles: ['administrator', 'auditor'],
    query: UsageReportQuery,
    body: undefined,
    reply: UsageReport,
  },
  seal: {
    method: 'POST',
    path: '/admin/seal',
    summary: 'Close the open interval now and export it',
    roles: ['operator', 'officer'],
    query: NO_QUERY,
    body: undefined,
    reply: RequestAccepted,
  },
  request: {
    method: 'GET',
    path: '/admin/requests/:id',
    summary: 'How far the compliance worker is with what it was asked to do',
    roles: ['operator', 'officer', 'auditor'],
    query: NO_QUERY,
    body: undefined,
    reply: RequestState,
  },
  listExports: {
    method: 'GET',
    path: '/admin/exports',
    summary: 'List exports, newest first',
    roles: ['officer', 'auditor'],
    query: ListExportsQuery,
    body: undefined,
    reply: ListExportsReply,
  },
  showExport: {
    method: 'GET',
    path: '/admin/exports/:adapter/:number',
    summary: 'Show an export and its files',
    roles: ['officer', 'auditor'],
    query: NO_QUERY,
    body: undefined,
    reply: ExportDetail,
  },
  replayExport: {
    method: 'POST',
    path: '/admin/exports/:adapter/:number/replay',
    summary: 'Render an export again and compare it with what was sealed',
    roles: ['officer'],
    query: NO_QUERY,
    body: undefined,
    reply: RequestAccepted,
  },
  quarantine: {
    method: 'GET',
    path: '/admin/quarantine',
    summary: 'List events that could not be staged',
    roles: ['operator', 'officer', 'auditor'],
    query: NO_QUERY,
    body: undefined,
    reply: QuarantineReply,
  },
  retryQuarantine: {
    method: 'POST',
    path: '/admin/quarantine/retry',
    summary: 'Try again to stage what is in quarantine',
    roles: ['operator'],
    query: NO_QUERY,
    body: undefined,
    reply: RequestAccepted,
  },
  declareDead: {
    method: 'POST',
    path: '/admin/sources/declare-dead',
    summary: 'Declare a source dead, so that intervals no longer wait for it',
    roles: ['operator'],
    query: NO_QUERY,
    body: DeclareDeadRequest,
    reply: DeclareDeadReply,
  },
  listComplianceConfigurations: {
    method: 'GET',
    path: '/admin/compliance-configuration',
    summary: 'List what the compliance worker is told',
    roles: ['operator', 'officer', 'auditor'],
    query: NO_QUERY,
    body: undefined,
    reply: ListComplianceConfigurationsReply,
  },
  putComplianceConfiguration: {
    method: 'PUT',
    path: '/admin/compliance-configuration/:identity',
    summary: 'Tell the compliance worker; what is named replaces all that was there',
    roles: ['operator'],
    query: NO_QUERY,
    body: ComplianceSettings,
    reply: ComplianceConfigurationChanged,
  },
  removeComplianceConfiguration: {
    method: 'DELETE',
    path: '/admin/compliance-configuration/:identity',
    summary:
      'Remove an adapter, whose series of exports ends; the global one returns to its defaults and keeps its name',
    roles: ['operator'],
    query: NO_QUERY,
    body: undefined,
    reply: ComplianceConfigurationRemoved,
  },
} as const satisfies Record<string, Route>
