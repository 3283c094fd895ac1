import type { RequestCodeResult } from '../../protocol/queries.ts';
import type { ModuleTable } from '../core/registry.ts';
import type { Session } from '../net/session.ts';

/** Linking by a code instead of a QR, and asking for a new QR. */
export function linkModules(session: Session, showCode: (code: string | undefined) => void): ModuleTable {
  return {
    WAWebAltDeviceLinkingApi: {
      setPairingType: () => undefined,
      initializeAltDeviceLinking: async () => undefined,
      startAltLinkingFlow: async (phone: string) => {
        const digits = phone.replace(/\D/g, '');
        const { code } = await session.askUnlinked<RequestCodeResult>({
          name: 'request_code',
          phone: digits,
        });
        showCode(code);
        return code;
      },
      initializeQRLinking: async () => showCode(undefined),
    },
    WAWebLaunchSocketUtils: { refreshQR: () => session.refreshQr() },
  };
}
