export { createHttpServer, type HttpServer, type HttpServerDeps } from './create-server.ts'
export { endWithProblem, type HttpProblem, httpProblem, SAFE_HEADERS, sendHttpProblem } from './problems.ts'
export {
  baseUrl,
  HTTP_DEFAULTS,
  type HttpSettings,
  httpSettings,
  isLoopback,
  listenProblem,
  parsePublicUrl,
  requireListenable,
  sharedHttpSettings,
  webSocketUrl,
} from './settings.ts'
