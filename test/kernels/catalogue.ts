// The kernels that are tried: Debian's, made for virtual machines, of the releases that are still kept up.

export interface Kernel {
  /** What it is called on the command line, and the beginning of its version; `newest` is whatever the backports have. */
  readonly name: string
  /** Archive and suite that apt gets it from. */
  readonly archive: 'debian' | 'debian-security'
  readonly suite: string
  /** A package that depends on the latest build. */
  readonly package: string
}

export const catalogue: readonly Kernel[] = [
  {
    name: '5.10',
    archive: 'debian-security',
    suite: 'bullseye-security',
    package: 'linux-image-cloud-amd64',
  },
  {
    name: '6.1',
    archive: 'debian-security',
    suite: 'bookworm-security',
    package: 'linux-image-cloud-amd64',
  },
  {
    name: '6.12',
    archive: 'debian-security',
    suite: 'bookworm-security',
    package: 'linux-image-6.12-cloud-amd64',
  },
  { name: 'newest', archive: 'debian', suite: 'trixie-backports', package: 'linux-image-cloud-amd64' },
]
