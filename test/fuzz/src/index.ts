export { hostileFrame, type Knowledge } from './hostile-frames.ts'
