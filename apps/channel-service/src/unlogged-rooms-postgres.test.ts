import { unloggedRooms } from './unlogged-rooms-in-test.ts'

unloggedRooms('postgres')
