// One association of dcmjs-dimse with the daemon: node client.mjs {call} echo | store FILE ... | find LEVEL {keys}
// Several operations go over the one association when "+" stands between them. The call is
// {"port": number, "maxPduLength": number, "tls": {"ca": file, "cert": file, "key": file}}, the last two if wanted.
// Prints one JSON line a response: {"status": number, "dataset": {...}}. Exits 1 on a network error.
import { readFileSync } from "node:fs";
import dimse from "dcmjs-dimse";

const { CEchoRequest, CFindRequest, CStoreRequest } = dimse.requests;

const finders = {
  STUDY: (keys) => CFindRequest.createStudyFindRequest(keys),
  SERIES: (keys) => CFindRequest.createSeriesFindRequest(keys),
  IMAGE: (keys) => CFindRequest.createImageFindRequest(keys),
};

const operations = {
  echo: () => [new CEchoRequest()],
  store: (...files) => files.map((file) => new CStoreRequest(file)),
  find: (level, keys) => [finders[level](JSON.parse(keys))],
};

function requests(words) {
  const end = words.indexOf("+");
  if (end >= 0) return [...requests(words.slice(0, end)), ...requests(words.slice(end + 1))];
  const [operation, ...operands] = words;
  return operations[operation](...operands);
}

function secured({ ca, cert, key }) {
  return { ca: readFileSync(ca), cert: readFileSync(cert), key: readFileSync(key), rejectUnauthorized: true };
}

const [call, ...words] = process.argv.slice(2);
const { port, maxPduLength, tls } = JSON.parse(call);
dimse.log.setLevel("error");
if (maxPduLength !== undefined) dimse.Implementation.setMaxPduLength(maxPduLength);
const client = new dimse.Client();
for (const request of requests(words)) {
  request.on("response", (response) => {
    const dataset = response.hasDataset() ? response.getDataset().getElements() : undefined;
    console.log(JSON.stringify({ status: response.getStatus(), dataset }));
  });
  client.addRequest(request);
}
client.on("networkError", (error) => {
  console.error(error);
  process.exitCode = 1;
});
client.on("associationRejected", (rejection) => {
  console.error(rejection);
  process.exitCode = 1;
});
client.send("127.0.0.1", port, "DCMJS", "SCPD", tls ? { securityOptions: secured(tls) } : {});
