import { createHash, X509Certificate } from 'node:crypto';
import { generate } from 'selfsigned';

/** A key and certificate for web.whatsapp.com that nobody trusts. */
export interface TlsIdentity {
  /** PEM. */
  key: string;
  /** PEM. */
  cert: string;
}

/** How long a certificate holds. */
const VALID_YEARS = 10;

/** Makes an elliptic-curve key (cheap handshakes: a thousand devices connect at once) and signs it with itself. */
export async function makeTlsIdentity(): Promise<TlsIdentity> {
  const notAfterDate = new Date();
  notAfterDate.setFullYear(notAfterDate.getFullYear() + VALID_YEARS);
  const made = await generate([{ name: 'commonName', value: 'web.whatsapp.com' }], {
    keyType: 'ec',
    algorithm: 'sha256',
    notAfterDate,
    extensions: [
      { name: 'basicConstraints', cA: false },
      { name: 'keyUsage', digitalSignature: true },
      { name: 'extKeyUsage', serverAuth: true },
      { name: 'subjectAltName', altNames: [{ type: 2, value: 'web.whatsapp.com' }] },
    ],
  });
  return { key: made.private, cert: made.cert };
}

/** SHA-256 of the certificate's public key (its SubjectPublicKeyInfo), base64: for `--ignore-certificate-errors-spki-list`. */
export function spkiOf(cert: string): string {
  const publicKey = new X509Certificate(cert).publicKey.export({ type: 'spki', format: 'der' });
  return createHash('sha256').update(publicKey).digest('base64');
}
