// SD-JWT VCs with libraries that others wrote: @sd-jwt/sd-jwt-vc and jose.
//
//     cd tests/interop/node && npm ci && node sd_jwt.mjs < lines
//
// Each line read is a JSON object; `do` says what to do, and for each one a JSON object is printed, in its order:
//
//     verify   { text, now, ?nonce, ?audience, ?status_list, ?status_key, ?type, leaf } -> { claims, bound, type }
//     present  { text, frame, holder, nonce, audience, now }                            -> { text }
//     issue    { payload, frame, issuer }                                               -> { text }
//     jose     { token, typ, now, leaf or key }                                         -> { claims }
//
// Keys are JWKs; `leaf` is the certificate in base64; `type` the bytes at `vct`; `now` in seconds. What went wrong
// stands in `error`. Signatures are checked and made by jose, digests by Node's own crypto.
import { createHash, randomBytes, X509Certificate } from 'node:crypto';
import { createInterface } from 'node:readline';
import { SDJwtVcInstance } from '@sd-jwt/sd-jwt-vc';
import { CompactSign, compactVerify, importJWK, jwtVerify } from 'jose';

const hasher = (data, algorithm) => createHash(algorithm.replace('sha-', 'sha')).update(Buffer.from(data)).digest();
const base = { hashAlg: 'sha-256', hasher, saltGenerator: (length) => randomBytes(length).toString('base64url') };

const keyOf = async ({ leaf, key }) =>
  leaf ? new X509Certificate(Buffer.from(leaf, 'base64')).publicKey : importJWK(key, 'ES256');

// The library signs and verifies "header.payload" apart from the signature; jose wants the token whole.
const signerOf = async (jwk) => {
  const key = await importJWK(jwk, 'ES256');
  return async (data) => {
    const [header, payload] = data.split('.').map((part) => Buffer.from(part, 'base64url'));
    const signed = await new CompactSign(payload).setProtectedHeader(JSON.parse(header)).sign(key);
    if (!signed.startsWith(`${data}.`)) throw new Error('the header was written in another way');
    return signed.slice(data.length + 1);
  };
};
const verifierOf = (key) => async (data, signature) => {
  await compactVerify(`${data}.${signature}`, key, { algorithms: ['ES256'] });
  return true;
};

// Subresource Integrity: the digest is base64 (W3C SRI, section 3.1).
const typeFetcher = (type) => async (_vct, integrity) => {
  const [algorithm, digest] = integrity.split('-');
  if (createHash(algorithm).update(type).digest('base64') !== digest) throw new Error('the type is another');
  return JSON.parse(type);
};

const todo = {
  async verify({ text, now, nonce, audience, status_list, status_key, type, ...who }) {
    const instance = new SDJwtVcInstance({
      ...base,
      verifier: verifierOf(await keyOf(who)),
      kbVerifier: async (data, signature, payload) =>
        verifierOf(await importJWK(payload.cnf.jwk, 'ES256'))(data, signature),
      statusVerifier: status_key && verifierOf(await keyOf({ leaf: status_key })),
      statusListFetcher: async () => status_list,
      loadTypeMetadataFormat: type !== undefined,
      vctFetcher: typeFetcher(type),
    });
    const found = await instance.verify(text, { currentDate: now, skewSeconds: 60, keyBindingNonce: nonce });
    if (found.header.typ !== 'dc+sd-jwt') throw new Error('another typ');
    if (nonce && found.kb.payload.aud !== audience) throw new Error('another audience');
    return { claims: found.payload, bound: Boolean(found.kb), type: found.typeMetadata?.mergedTypeMetadata };
  },
  async present({ text, frame, holder, nonce, audience, now }) {
    const instance = new SDJwtVcInstance({ ...base, kbSigner: await signerOf(holder), kbSignAlg: 'ES256' });
    return { text: await instance.present(text, frame, { kb: { payload: { iat: now, aud: audience, nonce } } }) };
  },
  async issue({ payload, frame, issuer }) {
    const instance = new SDJwtVcInstance({ ...base, signer: await signerOf(issuer), signAlg: 'ES256' });
    return { text: await instance.issue(payload, frame) };
  },
  async jose({ token, typ, now, ...who }) {
    const options = { algorithms: ['ES256'], typ, currentDate: new Date(now * 1000), clockTolerance: 60 };
    return { claims: (await jwtVerify(token, await keyOf(who), options)).payload };
  },
};

for await (const line of createInterface({ input: process.stdin })) {
  const { do: what, ...given } = JSON.parse(line);
  let answer;
  try {
    answer = await todo[what](given);
  } catch (error) {
    answer = { error: String(error.message ?? error) };
  }
  console.log(JSON.stringify(answer));
}
