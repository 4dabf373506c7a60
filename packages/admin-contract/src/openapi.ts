import { z } from 'zod'
import * as audit from './audit.ts'
import * as categories from './categories.ts'
import * as chats from './chats.ts'
import * as complianceChanges from './compliance-changes.ts'
import * as compliance from './compliance-configuration.ts'
import * as data from './data.ts'
import * as done from './done.ts'
import * as exports_ from './exports.ts'
import * as gaps from './gaps.ts'
import * as groups from './groups.ts'
import * as leases from './leases.ts'
import { PROBLEM_STATUS, Problem } from './problem.ts'
import * as proof from './proof.ts'
import * as quarantine from './quarantine.ts'
import * as requests from './requests.ts'
import * as rooms from './rooms.ts'
import type { Route } from './route.ts'
import { ADMIN_ROUTES } from './routes.ts'
import * as settings from './settings.ts'
import * as signIn from './sign-in.ts'
import * as signIns from './sign-ins.ts'
import * as status from './status.ts'
import * as usage from './usage.ts'
import * as users from './users.ts'

/**
 * The admin API as an OpenAPI 3.1 document, generated from the schemas that check requests. `x-hansard-roles` of an
 * operation says who may call it, `x-hansard-look` what the audit trail records of it.
 */
export function openApiDocument({ version }: { version: string }): done.OpenApiDocument {
  const paths: Record<string, Record<string, unknown>> = {}
  for (const [name, route] of Object.entries<Route>(ADMIN_ROUTES)) {
    const path = route.path.replace(/:([A-Za-z]+)/g, '{$1}')
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(name, route) }
  }
  Object.assign(paths, streamedPaths())
  return {
    openapi: '3.1.0',
    info: {
      title: 'Hansard admin API',
      version,
      description:
        'Times are milliseconds since 1970-01-01T00:00:00Z. Every error response is a Problem. A room is named by its ' +
        'URI or its name, a user by its URI or account, a group by its URI or name, percent-encoded.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    security: [{ token: [] }],
    paths,
    components: {
      securitySchemes: { token: { type: 'http', scheme: 'bearer', description: 'The token returned by a sign-in.' } },
      schemas: Object.fromEntries(
        [...named()].map(([schema, { id, io }]) => [id, jsonSchema(schema, io)]).sort(([a], [b]) => (a! < b! ? -1 : 1)),
      ),
    },
  }
}

/** Export and import of pool data carry streams and are not in the catalogue. */
function streamedPaths(): Record<string, Record<string, unknown>> {
  const zip = { 'application/zip': { schema: { type: 'string', contentMediaType: 'application/zip' } } }
  const common = (operationId: string, summary: string, query: z.ZodType) => ({
    operationId,
    summary,
    'x-hansard-roles': ['administrator'],
    parameters: parametersOf(query),
  })
  const sent = (description: string, content: unknown) => ({
    responses: {
      '200': { description, content },
      default: { description: 'Not done.', content: json(refTo(Problem)) },
    },
  })
  const exported = sent('The zip, as docs/data-format.md describes it.', zip)
  return {
    [data.DATA_EXPORT_PATH]: {
      get: { ...common('exportData', 'Export pool data', data.ExportDataQuery), ...exported },
      post: {
        ...common('disableRoomsAndExportData', 'Disable the rooms, then export pool data', data.ExportDataQuery),
        ...exported,
      },
    },
    [data.DATA_IMPORT_PATH]: {
      post: {
        ...common('importData', 'Import pool data, or report what an import would do', data.ImportDataQuery),
        requestBody: { required: true, content: zip },
        ...sent('Lines of JSON during the import; the last is the report or a problem.', {
          'application/x-ndjson': { schema: refTo(data.ImportLine) },
        }),
      },
    },
  }
}

function operationOf(name: string, route: Route): Record<string, unknown> {
  const parts = [...route.path.matchAll(/:([A-Za-z]+)/g)].map((match) => match[1]!)
  const parameters = [
    ...parts.map((part) => ({ name: part, in: 'path', required: true, schema: { type: 'string', minLength: 1 } })),
    ...parametersOf(route.query),
  ]
  return {
    operationId: name,
    summary: route.summary,
    'x-hansard-roles': route.roles,
    ...(route.look ? { 'x-hansard-look': route.look } : {}),
    ...(route.roles === 'everybody' ? { security: [] } : {}),
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(route.body ? { requestBody: { required: true, content: json(refTo(route.body)) } } : {}),
    responses: {
      '200': { description: 'Done.', content: json(refTo(route.reply)) },
      default: {
        description: `Not done: ${[...new Set(Object.values(PROBLEM_STATUS))].sort().join(', ')}.`,
        content: json(refTo(Problem)),
      },
    },
  }
}

function parametersOf(schema: z.ZodType): { name: string; in: 'query'; required: boolean; schema: unknown }[] {
  const query = jsonSchema(schema, 'input') as { properties?: Record<string, unknown>; required?: string[] }
  return Object.entries(query.properties ?? {}).map(([name, property]) => ({
    name,
    in: 'query',
    required: (query.required ?? []).includes(name),
    schema: property,
  }))
}

const json = (schema: unknown) => ({ 'application/json': { schema } })

function refTo(schema: z.ZodType): unknown {
  const found = named().get(schema)
  if (!found) throw new Error('A route uses a schema that no file of the contract exports.')
  return { $ref: `#/components/schemas/${found.id}` }
}

type Named = { readonly id: string; readonly io: 'input' | 'output' }

let allNamed: ReadonlyMap<z.ZodType, Named> | undefined

/** The export names of the schemas that routes use as bodies and replies. They never change. */
function named(): ReadonlyMap<z.ZodType, Named> {
  allNamed ??= findNamed()
  return allNamed
}

function findNamed(): ReadonlyMap<z.ZodType, Named> {
  const names = new Map<unknown, string>()
  for (const file of FILES) for (const [name, value] of Object.entries(file)) names.set(value, name)
  const found = new Map<z.ZodType, Named>()
  const add = (schema: z.ZodType | undefined, io: Named['io']) => {
    const id = schema && names.get(schema)
    if (schema && id !== undefined) found.set(schema, { id, io })
  }
  for (const { body, reply } of Object.values<Route>(ADMIN_ROUTES)) {
    add(body, 'input')
    add(reply, 'output')
  }
  add(Problem, 'output')
  add(data.ImportLine, 'output')
  return found
}

const FILES = [
  audit,
  categories,
  chats,
  compliance,
  complianceChanges,
  data,
  done,
  exports_,
  gaps,
  groups,
  leases,
  { Problem },
  proof,
  quarantine,
  requests,
  rooms,
  settings,
  signIn,
  signIns,
  status,
  usage,
  users,
]

function jsonSchema(schema: z.ZodType, io: Named['io']): Record<string, unknown> {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io, target: 'draft-2020-12' })
  return rest
}
