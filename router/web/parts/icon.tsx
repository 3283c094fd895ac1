const PATHS = {
  close: 'M6 6l12 12M18 6L6 18',
  plus: 'M12 5v14M5 12h14',
  check: 'M5 12.5l4.5 4.5L19 7.5',
  alert: 'M12 8v5m0 3.5v.5M12 3l9.5 17h-19z',
  phone:
    'M8 3h8a1.5 1.5 0 0 1 1.5 1.5v15A1.5 1.5 0 0 1 16 21H8a1.5 1.5 0 0 1-1.5-1.5v-15A1.5 1.5 0 0 1 8 3zm3 15h2',
  server: 'M4 5h16v6H4zM4 13h16v6H4zM7.5 8h.5m-.5 8h.5',
  fleet: 'M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM13 13h7v7h-7z',
  sessions: 'M5 18.5L3.5 21l4-1A9 9 0 1 0 5 18.5zM8.5 10.5h7m-7 4h4.5',
  queues: 'M4 6h16M4 12h16M4 18h10',
  webhooks:
    'M10 13.5a4 4 0 0 0 6 .4l3-3a4 4 0 0 0-5.6-5.6l-1.7 1.6M14 10.5a4 4 0 0 0-6-.4l-3 3a4 4 0 0 0 5.6 5.6l1.7-1.6',
  backups: 'M4 4h16v5H4zM5.5 9v11h13V9M10 13h4',
  events: 'M3 12h4l3-8 4 16 3-8h4',
  out: 'M10 4H5v16h5M15 8l4 4-4 4m4-4H9',
  previous: 'M14.5 6l-6 6 6 6',
  next: 'M9.5 6l6 6-6 6',
} as const;

export type IconName = keyof typeof PATHS;

/** A drawing beside a text that says the same; nothing is read out for it. */
export function Icon({ name }: { name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}

/** The mark of Wharf. */
export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <rect width="32" height="32" rx="7" />
      <path d="M7 10l4 12 5-9 5 9 4-12" />
    </svg>
  );
}
