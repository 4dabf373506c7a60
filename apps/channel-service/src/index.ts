export { CHANNEL_SERVICE_DEFAULTS, type ChannelServiceConfig, channelProcessConfig } from './config.ts'
export { attachChannelService } from './delivery/accept-connection.ts'
export { type ChannelService, startChannelService } from './service.ts'
