/** The exporter's leader lease: of all workers, the holder closes intervals and seals exports. */
export const EXPORTER_LEASE = 'exporter'
