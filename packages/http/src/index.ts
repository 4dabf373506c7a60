export { createHttpServer, type HttpServer } from './create-server.ts'
export { probePort } from './probe-port.ts'
export { endWithProblem } from './problems.ts'
export {
  baseUrl,
  HTTP_DEFAULTS,
  type HttpSettings,
  httpSettings,
  requireListenable,
  sharedHttpSettings,
  webSocketUrl,
} from './settings.ts'
