import type { ModuleTable } from '../core/registry.ts';
import { encodeBase64, randomBytes } from '../storage/base64.ts';
import type { Database } from '../storage/database.ts';
import type { RegistrationRecord } from '../storage/records.ts';

/** The last field of the QR: Chrome, in WhatsApp's numbering of companion platforms. */
export const DEVICE_PLATFORM = '1';

/**
 * The device's keys, made at its first start and kept. They stand for the Noise and Signal key pairs: random, and
 * nothing is encrypted with them.
 */
export async function loadRegistration(database: Database): Promise<RegistrationRecord> {
  return database.write(['settings'], async (transaction) => {
    const stored = await transaction.getSetting('registration');
    if (stored) return stored;
    const created: RegistrationRecord = {
      noisePub: randomBytes(32),
      noisePriv: randomBytes(32),
      identityPub: randomBytes(32),
      identityPriv: randomBytes(32),
      registrationId: crypto.getRandomValues(new Uint16Array(1))[0] ?? 1,
      advSecret: encodeBase64(randomBytes(32)),
    };
    transaction.putSetting('registration', created);
    return created;
  });
}

/** What the library reads to make up the QR. */
export function registrationModules(registration: RegistrationRecord): ModuleTable {
  return {
    WABase64: { encodeB64: encodeBase64 },
    WAWebCompanionRegClientUtils: { DEVICE_PLATFORM },
    WAWebAdvSignatureApi: {},
    WAWebUserPrefsInfoStore: {
      waNoiseInfo: {
        get: async () => ({
          staticKeyPair: { pubKey: registration.noisePub, privKey: registration.noisePriv },
        }),
      },
    },
    WAWebSignalStoreApi: {
      waSignalStore: {
        getRegistrationInfo: async () => ({
          registrationId: registration.registrationId,
          identityKeyPair: { pubKey: registration.identityPub, privKey: registration.identityPriv },
        }),
      },
    },
    WAWebUserPrefsMultiDevice: { getADVSecretKey: () => registration.advSecret },
  };
}
