import Table from 'cli-table3'
import pc from 'picocolors'

/** One column: its heading, and what it shows of a row. */
export interface Column<Row> {
  readonly heading: string
  readonly value: (row: Row) => string
  readonly align?: 'left' | 'right'
}

/** Columns without lines around them: easy on the eye, and on `awk`. */
export function table<Row>(rows: readonly Row[], columns: readonly Column<Row>[]): string {
  const none = {
    top: '',
    'top-mid': '',
    'top-left': '',
    'top-right': '',
    bottom: '',
    'bottom-mid': '',
    'bottom-left': '',
    'bottom-right': '',
    left: '',
    'left-mid': '',
    mid: '',
    'mid-mid': '',
    right: '',
    'right-mid': '',
    middle: '  ',
  }
  const grid = new Table({
    head: columns.map(({ heading }) => pc.bold(heading)),
    chars: none,
    colAligns: columns.map(({ align }) => align ?? 'left'),
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
  })
  for (const row of rows) grid.push(columns.map(({ value }) => value(row)))
  return grid
    .toString()
    .split('\n')
    .map(line => line.trimEnd())
    .join('\n')
}
