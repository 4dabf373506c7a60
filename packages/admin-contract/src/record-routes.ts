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

/** The record: status, exports, quarantine, and compliance configuration. */
export const RECORD_ROUTES = {
  openapi: {
    method: 'GET',
    path: '/admin/openapi.json',
    summary: 'Get this description of the API',
    roles: 'everybody',
    look: { of: 'nobody', because: 'It describes the API and contains no data of the pool.' },
    query: NO_QUERY,
    body: undefined,
    reply: OpenApiDocument,
  },
  status: {
    method: 'GET',
    path: '/admin/status',
    summary: 'Show where every accepted event is now: sources, outbox, queue, exports, quarantine, alarms',
    roles: ['administrator', 'operator', 'officer', 'auditor'],
    look: {
      of: 'nobody',
      because:
        'It counts events and names services, contains no users, rooms or chats, and is polled every few seconds.',
    },
    query: NO_QUERY,
    body: undefined,
    reply: PoolStatus,
  },
  usageReport: {
    method: 'GET',
    path: '/admin/usage',
    summary: 'Report who used the pool and which rooms were used',
    roles: ['administrator', 'auditor'],
    look: { of: ['auditor'], action: 'usage-report', object: 'pool' },
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
    summary: 'Show the progress of a request to the compliance worker',
    roles: ['operator', 'officer', 'auditor'],
    look: {
      of: 'nobody',
      because:
        'It shows the progress of a request that is itself recorded with its author, and is polled until it is done.',
    },
    query: NO_QUERY,
    body: undefined,
    reply: RequestState,
  },
  listExports: {
    method: 'GET',
    path: '/admin/exports',
    summary: 'List exports, newest first',
    roles: ['officer', 'auditor'],
    look: { of: 'everybody', action: 'list-exports', object: 'exports' },
    query: ListExportsQuery,
    body: undefined,
    reply: ListExportsReply,
  },
  showExport: {
    method: 'GET',
    path: '/admin/exports/:adapter/:number',
    summary: 'Show an export and its files',
    roles: ['officer', 'auditor'],
    look: { of: 'everybody', action: 'show-export', object: ':adapter/:number' },
    query: NO_QUERY,
    body: undefined,
    reply: ExportDetail,
  },
  replayExport: {
    method: 'POST',
    path: '/admin/exports/:adapter/:number/replay',
    summary: 'Render an export again and compare the result with the sealed bytes',
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
    look: { of: 'everybody', action: 'list-quarantine', object: 'pool' },
    query: NO_QUERY,
    body: undefined,
    reply: QuarantineReply,
  },
  retryQuarantine: {
    method: 'POST',
    path: '/admin/quarantine/retry',
    summary: 'Stage the events in quarantine again',
    roles: ['operator'],
    query: NO_QUERY,
    body: undefined,
    reply: RequestAccepted,
  },
  declareDead: {
    method: 'POST',
    path: '/admin/sources/declare-dead',
    summary: 'Declare a source dead: intervals no longer wait for it',
    roles: ['operator'],
    query: NO_QUERY,
    body: DeclareDeadRequest,
    reply: DeclareDeadReply,
  },
  listComplianceConfigurations: {
    method: 'GET',
    path: '/admin/compliance-configuration',
    summary: 'List compliance configurations',
    roles: ['operator', 'officer', 'auditor'],
    look: { of: ['officer', 'auditor'], action: 'list-compliance-configurations', object: 'pool' },
    query: NO_QUERY,
    body: undefined,
    reply: ListComplianceConfigurationsReply,
  },
  putComplianceConfiguration: {
    method: 'PUT',
    path: '/admin/compliance-configuration/:identity',
    summary: 'Set a compliance configuration; the given settings replace all previous ones',
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
