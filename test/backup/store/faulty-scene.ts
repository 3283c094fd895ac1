import { afterAll, afterEach, beforeAll, describe } from 'vitest';
import { whyNoRadosgw } from '../../helpers/radosgw.ts';
import { FaultyS3 } from './faulty-s3.ts';

const missing = whyNoRadosgw();

/** A {@link FaultyS3} while tests run, with a place of its own for each. */
export interface FaultyScene extends Pick<FaultyS3, 'open' | 'faultOf'> {
  readonly s3: FaultyS3;
  readonly proxy: FaultyS3['proxy'];
}

/** Tests with a {@link FaultyS3}; where its server is not installed they are skipped, and that is said. */
export function describeFaultyS3(name: string, tests: (scene: FaultyScene) => void): void {
  if (missing !== undefined) process.stderr.write(`${name} is NOT tested here: ${missing}\n`);
  describe.skipIf(missing !== undefined)(name, () => {
    let s3: FaultyS3;
    beforeAll(async () => {
      s3 = await FaultyS3.start();
    });
    afterAll(() => s3?.close());
    afterEach(() => s3.next());
    tests({
      get s3() {
        return s3;
      },
      get proxy() {
        return s3.proxy;
      },
      open: (...options) => s3.open(...options),
      faultOf: (attempt) => s3.faultOf(attempt),
    });
  });
}
