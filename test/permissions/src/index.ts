export { type Answer, expected, permissionsDocument, rulesOf } from './matrix.ts'
export { PEOPLE, type Person, PLACES, type Place, standingOfPerson } from './situations.ts'
