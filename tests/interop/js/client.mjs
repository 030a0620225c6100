// One association of dcmjs-dimse with the daemon: node client.mjs PORT echo | store FILE ... | find LEVEL {keys}
// Prints one JSON line a response: {"status": number, "dataset": {...}}. Exits 1 on a network error.
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

const [port, operation, ...operands] = process.argv.slice(2);
dimse.log.setLevel("error");
const client = new dimse.Client();
for (const request of operations[operation](...operands)) {
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
client.send("127.0.0.1", Number(port), "DCMJS", "SCPD");
