import type { ComponentChildren } from 'preact';

/** A column's heading. */
export interface Column {
  heading: string;
  /** How wide a page must be to show it; on any where left out. */
  from?: 'wide' | 'roomy';
  /** Only for who listens. */
  unseen?: true;
}

/** A table with these columns; its rows are the children. */
export function Table({ columns, children }: { columns: readonly Column[]; children: ComponentChildren }) {
  return (
    <table class="table">
      <thead>
        <tr>
          {columns.map(({ heading, from, unseen }) => (
            <th key={heading} scope="col" class={from && `${from}-only`}>
              {unseen ? <span class="visually-hidden">{heading}</span> : heading}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>{children}</tbody>
    </table>
  );
}
