// mdocs with a library that others wrote: @owf/mdoc. What it leaves to its user (keys, certificates) is done by Node.
//
//     cd tests/interop/node && npm ci && node mdoc.mjs < lines
//
// Each line read is a JSON object; `do` says what to do, and for each one a JSON object is printed, in its order. Bytes
// are base64, times seconds, keys JWKs; `session` is { clientId, nonce, responseUri }:
//
//     response { data, root, session, now }                                       -> { documents: [{ doc_type, elements, status }] }
//     issued   { data, root, now }                                                -> the same, without a device
//     present  { data, doc_type, names, holder, session }                         -> { data }: a DeviceResponse
//     issue    { doc_type, elements, holder, issuer, leaf, begin, end }           -> { data }: an IssuerSigned
//     session  { session }                                                        -> { data }: the SessionTranscript
//
// elements: by name; { day } and { time } are values of their own. What went wrong stands in `error`.
import { createHash, createPrivateKey, createPublicKey, randomBytes, sign, verify, X509Certificate } from 'node:crypto';
import { createInterface } from 'node:readline';
import {
  CoseKey, DateOnly, DeviceKey, DeviceRequest, DeviceResponse, DocRequest, Holder, Issuer, IssuerSigned,
  ItemsRequest, SessionTranscript, SignatureAlgorithm, Verifier,
} from '@owf/mdoc';

const bytes = (text) => new Uint8Array(Buffer.from(text, 'base64'));
const text = (data) => Buffer.from(data).toString('base64');
const moment = (seconds) => new Date(seconds * 1000);
const certificateOf = (data) => new X509Certificate(Buffer.from(data));

const check = (sign1, key) => {
  if (sign1.signatureAlgorithmName !== 'ES256') throw new Error('another algorithm');
  const publicKey = createPublicKey({ key: { ...key.jwk, d: undefined }, format: 'jwk' });
  return verify('sha256', sign1.toBeSigned, { key: publicKey, dsaEncoding: 'ieee-p1363' }, sign1.signature);
};
const context = {
  crypto: {
    random: (length) => new Uint8Array(randomBytes(length)),
    digest: ({ digestAlgorithm, bytes: data }) =>
      new Uint8Array(createHash(digestAlgorithm.replace('-', '').toLowerCase()).update(data).digest()),
  },
  cose: {
    sign1: {
      sign: ({ toBeSigned, key }) => {
        const privateKey = createPrivateKey({ key: key.jwk, format: 'jwk' });
        return new Uint8Array(sign('sha256', toBeSigned, { key: privateKey, dsaEncoding: 'ieee-p1363' }));
      },
      verify: ({ sign1, key }) => check(sign1, key),
    },
  },
  x509: {
    getIssuerNameField: ({ certificate, field }) =>
      certificateOf(certificate).issuer.split('\n').filter((each) => each.startsWith(`${field}=`)).map((each) => each.slice(field.length + 1)),
    getPublicKey: ({ certificate }) => CoseKey.fromJwk(certificateOf(certificate).publicKey.export({ format: 'jwk' })),
    verifyCertificateChain: ({ trustedCertificates, x5chain, now }) => {
      const [leaf, ...more] = x5chain.map(certificateOf);
      const [root] = trustedCertificates.map(certificateOf);
      if (more.length || !leaf.checkIssued(root) || !leaf.verify(root.publicKey)) throw new Error('another root');
      for (const each of [leaf, root]) {
        if (now < new Date(each.validFrom) || now > new Date(each.validTo)) throw new Error('not of this time');
      }
    },
    getCertificateData: ({ certificate }) => {
      const found = certificateOf(certificate);
      return { issuerName: found.issuer, notBefore: new Date(found.validFrom), notAfter: new Date(found.validTo) };
    },
  },
};

const plain = (value) => {
  if (value instanceof DateOnly) return value.toISOString();
  if (value instanceof Date) return value.toISOString().replace('.000Z', 'Z');
  if (value instanceof Map) return Object.fromEntries([...value].map(([name, part]) => [name, plain(part)]));
  return Array.isArray(value) ? value.map(plain) : value;
};
const told = (issuerSigned) => {
  const { docType, decodedStructure } = issuerSigned.issuerAuth.mobileSecurityObject;
  const elements = {};
  for (const item of issuerSigned.getIssuerNamespace(docType) ?? []) elements[item.elementIdentifier] = plain(item.elementValue);
  return { doc_type: docType, elements, status: plain(decodedStructure.toMap().get('status')) };
};
const valueOf = (value) => {
  if (value?.day) return new DateOnly(value.day);
  if (value?.time) return moment(value.time);
  return value !== null && typeof value === 'object' && !Array.isArray(value) ? new Map(Object.entries(value)) : value;
};
const transcript = (session) => SessionTranscript.forOid4Vp(session, context);

const todo = {
  async response({ data, root, session, now }) {
    const deviceResponse = DeviceResponse.decode(bytes(data));
    const trusted = { trustedCertificates: [bytes(root)], now: moment(now) };
    await Verifier.verifyDeviceResponse({ deviceResponse, sessionTranscript: await transcript(session), ...trusted }, context);
    return { documents: deviceResponse.documents.map((each) => told(each.issuerSigned)) };
  },
  async issued({ data, root, now }) {
    const issuerSigned = IssuerSigned.decode(bytes(data));
    await Holder.verifyIssuerSigned({ issuerSigned, trustedCertificates: [bytes(root)], now: moment(now) }, context);
    return { documents: [told(issuerSigned)] };
  },
  async present({ data, doc_type, names, holder, session }) {
    const namespaces = new Map([[doc_type, new Map(names.map((name) => [name, false]))]]);
    const docRequests = [DocRequest.create({ itemsRequest: ItemsRequest.create({ docType: doc_type, namespaces }) })];
    const made = await Holder.createDeviceResponseForDeviceRequest({
      deviceRequest: DeviceRequest.create({ docRequests }),
      issuerSigned: [IssuerSigned.decode(bytes(data))],
      sessionTranscript: await transcript(session),
      signature: { signingKey: CoseKey.fromJwk({ ...holder, alg: 'ES256' }) },
    }, context);
    return { data: text(made.encode()) };
  },
  async issue({ doc_type, elements, holder, issuer, leaf, begin, end }) {
    const builder = new Issuer(doc_type, context);
    builder.addIssuerNamespace(doc_type, Object.fromEntries(Object.entries(elements).map(([name, each]) => [name, valueOf(each)])));
    const made = await builder.sign({
      signingKey: CoseKey.fromJwk({ ...issuer, alg: 'ES256' }),
      algorithm: SignatureAlgorithm.ES256,
      digestAlgorithm: 'SHA-256',
      certificates: [bytes(leaf)],
      deviceKeyInfo: { deviceKey: DeviceKey.fromJwk(holder) },
      validityInfo: { signed: moment(begin), validFrom: moment(begin), validUntil: moment(end) },
    });
    return { data: text(made.encode()) };
  },
  async session({ session }) {
    return { data: text((await transcript(session)).encode()) };
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
