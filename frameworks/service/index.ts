export { ListenError } from './http/index.js'
export { defaultServiceHttp, type RunningService, type ServiceOptions, startService } from './service.js'
export { NewerStoreError } from './store/index.js'
