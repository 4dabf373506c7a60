export { CHANNEL_SERVICE_DEFAULTS, type ChannelServiceConfig, channelProcessConfig } from './config.ts'
export { attachChannelService, type ChannelService, startChannelService } from './service.ts'
