export { checkRepository } from './check-repository.ts'
export { EXCEPTIONS, type Exception } from './exceptions.ts'
export { type Finding, type Package, type Repository, type Rule, readRepository } from './repository.ts'
