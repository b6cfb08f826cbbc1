/** Shows what is being done, on a terminal only, on one line; an empty text clears it. */
export function progress(text: string): void {
  if (process.stderr.isTTY)
    process.stderr.write(`\r\x1b[2K${text.slice(0, (process.stderr.columns ?? 80) - 1)}`)
}
