/** Moves a row of a list one place up or down. */
export function moveBy<T>(rows: T[], place: number, by: -1 | 1): void {
  const [row] = rows.splice(place, 1)
  if (row !== undefined) rows.splice(place + by, 0, row)
}
