/** A mainline version. */
export type Version = readonly [major: number, minor: number]

/** The version in a release like `6.12.117+deb12-cloud-amd64`. */
export const versionOf = (release: string): Version => {
  const [, major, minor] = /^(\d+)\.(\d+)/.exec(release) ?? []
  if (major === undefined || minor === undefined) throw new Error(`${release} is no kernel release`)
  return [Number(major), Number(minor)]
}

export const isAtLeast = ([major, minor]: Version, [wantedMajor, wantedMinor]: Version): boolean =>
  major > wantedMajor || (major === wantedMajor && minor >= wantedMinor)

/** What bpftables needs of a kernel, and the version each came with. */
export const since = {
  /** Functions of a program that take a pointer to memory, as its chains do. */
  memoryParameters: [5, 12],
  /** bpf_cast_to_kern_ctx, by which programs at xdp and tc read the name of a device. */
  kernelContext: [6, 2],
  netfilter: [6, 4],
  tcx: [6, 6],
} as const satisfies Readonly<Record<string, Version>>

export const has = (kernel: Version, feature: keyof typeof since): boolean =>
  isAtLeast(kernel, since[feature])
