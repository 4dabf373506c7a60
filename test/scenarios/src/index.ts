export { type Person, refusal } from './person.ts'
export { type Sealed, type Story, startStory } from './story.ts'
