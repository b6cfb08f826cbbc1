// Fields of what the addresses of a packet are to routing: to all of it, or to the routes of one of the packet's devices alone.

export const addresses = ['saddr', 'daddr'] as const
export type AddressField = (typeof addresses)[number]

/** The device whose routes alone count; '' for those of all. */
export const limits = ['', 'in', 'out'] as const
export type Limit = (typeof limits)[number]

export type AddressTypeField = `${AddressField}-type${'' | '-in' | '-out'}`

export const addressTypeField = (address: AddressField, limit: Limit): AddressTypeField =>
  limit === '' ? `${address}-type` : `${address}-type-${limit}`

/** The field that holds the address; undefined for a field of another kind. */
export const addressOfType = (field: string): AddressField | undefined =>
  addresses.find(address => limits.some(limit => addressTypeField(address, limit) === field))
