// What vmlinux's types have answered, by question. They are the same for as long as the kernel runs, so whoever has a place that does not outlive it may keep the
// answers there for the processes to come (src/service/kernel-types.ts). Those of modules, which come and go, are not among them.

const known = new Map<string, number>()

/** What has been asked of vmlinux by now. */
export const vmlinuxAnswers: ReadonlyMap<string, number> = known

/** Takes answers over that another process got from this very kernel. */
export function learnAnswers(answers: Iterable<readonly [question: string, answer: number]>): void {
  for (const [question, answer] of answers) known.set(question, answer)
}

export interface Answer {
  readonly value: number
  /** Whose types said so; undefined for vmlinux. */
  readonly module: string | undefined
}

/** The answer as it was known, or as `ask` finds it. */
export function answerTo(question: string, ask: () => Answer): Answer {
  const value = known.get(question)
  if (value !== undefined) return { value, module: undefined }
  const answer = ask()
  if (answer.module === undefined) known.set(question, answer.value)
  return answer
}
