/** Examples of the API reference by operation id, each checked against the schemas of its route by a test. `path`: as a caller would write it. */
export const examples = {
  post_whatsapp_sessions: {
    body: { workspace_id: 7, session_id: 'sales' },
    answer: {
      session_id: 'sales',
      workspace_id: 7,
      account_id: null,
      status: 'starting',
      instance: 'instance-4',
      epoch: 1,
      created_at: '2026-11-22T10:00:00.000Z',
    },
  },
  get_whatsapp_sessions_by_session_id_qr: {
    path: '/api/whatsapp/sessions/sales/qr?wait=20',
    answer: {
      qr: '2@Wz...',
      expires_at: '2026-11-22T10:00:20.000Z',
      image: 'data:image/png;base64,iVBORw0...',
    },
  },
  post_whatsapp_sessions_by_session_id_messages: {
    path: '/api/whatsapp/sessions/sales/messages',
    body: { to: '491701234567', text: 'Your order has left.' },
    answer: { message_id: 'msg_9c5f', status: 'queued', whatsapp_id: null, error: null },
  },
  post_whatsapp_messages_bulk: {
    body: {
      messages: [
        { session_id: 'sales', to: '491701234567', text: 'Hello', idempotency_key: 'order-4711' },
        { session_id: 'sales', to: '491709876543', text: 'Hello', priority: 'low' },
      ],
    },
  },
  put_whatsapp_workspaces_by_workspace_id_webhook: {
    path: '/api/whatsapp/workspaces/7/webhook',
    body: { url: 'https://example.com/hooks/wharf', events: ['message.received', 'message.status'] },
  },
  post_fleet_workspaces_by_workspace_id_move: {
    path: '/api/fleet/workspaces/7/move',
    body: { to: 'instance-2' },
  },
  post_restores: {
    body: { workspace_id: 7, session_id: 'sales', at: 'latest', dry_run: true },
  },
  post_fleet_keys: { body: { workspace_id: 7, name: 'shop' } },
};
