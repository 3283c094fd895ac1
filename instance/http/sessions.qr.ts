import { toBuffer, toDataURL, toString as toText } from 'qrcode';
import { qrQuerySchema } from '../../fleet/instance-api.ts';
import { type InstanceParts, route, SESSION_PATH, sessionParamsSchema } from './parts.ts';

/** A new QR comes at any moment: nobody may keep one. */
const NOT_KEPT = { 'Cache-Control': 'no-store' };

export const getQr = ({ manager }: InstanceParts) =>
  route({
    method: 'get',
    path: `${SESSION_PATH}/qr`,
    summary: 'The QR to scan',
    tag: 'sessions',
    params: sessionParamsSchema,
    query: qrQuerySchema,
    responses: { 200: { description: 'The QR' } },
    async handle({ params, query, signal }) {
      const session = manager.get(params.workspace_id, params.session_id);
      const qr = await session.links.next(query.wait * 1000, signal, () => session.status);
      const expires = new Date(qr.expiresAt).toISOString();
      const headers = { ...NOT_KEPT, Expires: new Date(qr.expiresAt).toUTCString() };
      if (query.format === 'png') {
        return {
          body: await toBuffer(qr.code, { scale: 6 }),
          headers: { ...headers, 'Content-Type': 'image/png' },
        };
      }
      if (query.format === 'svg') {
        return {
          body: await toText(qr.code, { type: 'svg' }),
          headers: { ...headers, 'Content-Type': 'image/svg+xml' },
        };
      }
      if (query.format === 'text') {
        const text = await toText(qr.code, { type: 'utf8', errorCorrectionLevel: 'L' });
        return { body: `${text}\n`, headers: { ...headers, 'Content-Type': 'text/plain; charset=utf-8' } };
      }
      return {
        body: { qr: qr.code, expires_at: expires, image: await toDataURL(qr.code, { scale: 6 }) },
        headers: NOT_KEPT,
      };
    },
  });
