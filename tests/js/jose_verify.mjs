/**
 * What an API does with jose: fetch the keys once, verify a token, say which header and claims it has.
 */
import { createRemoteJWKSet, jwtVerify } from 'jose';

import { answer } from './answer.mjs';

await answer({
  async verify({ jwks, tokens, at, options }) {
    const keys = createRemoteJWKSet(new URL(jwks));
    const currentDate = at === undefined ? undefined : new Date(at);
    const verified = [];
    for (const token of tokens) {
      const { payload, protectedHeader } = await jwtVerify(token, keys, { ...options, currentDate });
      verified.push({ payload, header: protectedHeader });
    }
    return { verified };
  },
});
