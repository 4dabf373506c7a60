export { openBullTransport } from './bull-transport.ts'
export { openInlineTransport } from './inline-transport.ts'
export type { Transport } from './transport.ts'
