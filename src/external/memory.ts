/** `lodemap/memory`: collections that spill, and what watches over memory. */
export { SpillArray } from './collections/spill-array.ts';
export type { SpillOptions } from './collections/spill-array.ts';
export { SpillMap } from './collections/spill-map.ts';
export { config, configure } from '../memory/config.ts';
export type { ChunkStrategy, MemoryConfig } from '../memory/config.ts';
export { estimateBytes } from '../memory/estimate-bytes.ts';
export { MemoryMonitor } from '../memory/memory-monitor.ts';
export type { MemoryHandler, MemoryInfo, MemoryMonitorOptions } from '../memory/memory-monitor.ts';
export type { MemoryLevel } from '../memory/pressure.ts';
export type { Key } from '../codec/key/keys.ts';
