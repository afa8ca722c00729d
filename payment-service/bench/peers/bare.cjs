// The least that serves the contract on Node: what hapi and its care cost is measured against it.
// CommonJS, as payment's bundle is: modules take longer to start.
const { createServer } = require("node:http");

const currencies = new Set(["EUR", "USD", "DKK", "SEK", "GBP"]);
const isCharge = (body) =>
  currencies.has(body?.currency) &&
  Number.isFinite(body.value) &&
  body.value > 0 &&
  Number.isInteger(body.customer_id) &&
  body.customer_id > 0;

const answer = (response, status, body) =>
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));

function charge(request, response) {
  const type = request.headers["content-type"]?.split(";")[0];
  if (type !== "application/json") return answer(response, 415, { message: "JSON only" });
  let text = "";
  request.setEncoding("utf8").on("data", (chunk) => {
    text += chunk;
  });
  request.on("end", () => {
    let body;
    try {
      body = JSON.parse(text);
    } catch {}
    if (isCharge(body)) answer(response, 200, { result: Math.random() < 0.5 });
    else answer(response, 400, { message: "not a charge" });
  });
}

createServer((request, response) => {
  const asked = `${request.method} ${request.url}`;
  if (asked === "GET /health") answer(response, 200, { status: "ok" });
  else if (asked === "POST /api/v1/charge") charge(request, response);
  else answer(response, 404, { message: "not found" });
}).listen(Number(process.env.PORT), process.env.HOST);
