/** The Internet checksum (RFC 1071): the complement of the one's complement sum of 16-bit words. */
export const internetChecksum = (bytes: Uint8Array): number => {
  let sum = 0
  for (const [index, byte] of bytes.entries()) sum += index % 2 === 0 ? byte << 8 : byte
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}

const reversedCastagnoli = 0x82f63b78

const crcOfByte = (byte: number): number => {
  let crc = byte
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ reversedCastagnoli : crc >>> 1
  return crc >>> 0
}

const crcTable = Array.from({ length: 256 }, (_, byte) => crcOfByte(byte))

/** CRC32c as SCTP uses it (RFC 9260 appendix A), in the byte order it has in the header read big-endian. */
export const crc32c = (bytes: Uint8Array): number => {
  let crc = 0xffffffff
  for (const byte of bytes) crc = (crc >>> 8) ^ (crcTable[(crc ^ byte) & 0xff] ?? 0)
  const view = new DataView(new ArrayBuffer(4))
  view.setUint32(0, ~crc >>> 0, true)
  return view.getUint32(0)
}
